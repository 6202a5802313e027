//! The way of every request, whatever it asks for: it is named, let in while there is room, answered by its route, and its
//! answer is tagged, guarded and named.
//!
//! One layer around every route, written by hand: a layer made of a function costs each request a copy of everything below it.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::addresses::Address;
use crate::etag::Conditional;
use crate::limits::{self, Place, Places};
use crate::problem::Problem;
use crate::requests::Names;

/// Has every request go that way.
#[derive(Clone, Default)]
pub(crate) struct Ways(Arc<Shared>);

#[derive(Default)]
struct Shared {
    names: Names,
    places: Places,
}

/// The way to one route.
#[derive(Clone)]
pub(crate) struct Way<S> {
    shared: Arc<Shared>,
    route: S,
}

impl<S> Layer<S> for Ways {
    type Service = Way<S>;

    fn layer(&self, route: S) -> Way<S> {
        Way {
            shared: Arc::clone(&self.0),
            route,
        }
    }
}

impl<S> Way<S> {
    /// Whoever asks too often is not let in. Whoever asks how the service is always is: its operator must not be kept out by a
    /// crowd.
    fn place(&self, request: &Request) -> Result<Option<Place>, Problem> {
        let uri = request.uri();
        if uri.path().starts_with("/health/") {
            return Ok(None);
        }
        if let Some(address) = request.extensions().get::<Arc<Address>>() {
            address.ask()?;
        }
        self.shared.places.take(uri).map(Some)
    }
}

impl<S> Service<Request> for Way<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let named = self.shared.names.name(&request);
        let place = self.place(&request);
        let conditional = Conditional::of(&request);
        // Nothing happens for it before it is waited for.
        let answer = self.route.call(request);
        Box::pin(async move {
            let answered = async move {
                let Ok(response) = limits::in_time(place?, answer).await?;
                conditional.tagged(response).await
            };
            let guarded = async move {
                let mut response = answered.await.unwrap_or_else(IntoResponse::into_response);
                limits::guard(response.headers_mut());
                response
            };
            Ok(named.follow(guarded).await)
        })
    }
}
