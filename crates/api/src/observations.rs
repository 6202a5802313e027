//! Observations: what sources said.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tocsin_domain::observation::{Metric, Sequence, SourceId, Subject};
use tocsin_domain::risk::Stream;
use tocsin_domain::time::Timestamp;
use utoipa::ToSchema;

use crate::extract::Query;
use crate::page;
use crate::problem::Problem;
use crate::served::Served;
use crate::views::ObservationView;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservationQuery {
    /// The source, as `/v1/risks` names it.
    source: String,
    /// The subject.
    subject: String,
    /// The metric.
    metric: String,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The observations of a stream, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ObservationList {
    observations: Vec<ObservationView>,
    /// The cursor of the next page; none at the end.
    next: Option<String>,
}

/// What a source said of a subject's metric, the newest first. A stream that nothing listens to has none.
#[utoipa::path(get, path = "/v1/observations", operation_id = "list_observations", tag = "observations", params(ObservationQuery), responses((status = 200, description = "A page of observations", body = ObservationList)))]
pub(crate) async fn list(
    State(api): State<Served>,
    Query(query): Query<ObservationQuery>,
) -> Result<Json<ObservationList>, Problem> {
    let limit = page::limit(query.limit)?;
    let before: Option<(Timestamp, Sequence)> = page::after(query.cursor.as_deref())?;
    let stream = Stream {
        source: SourceId::from(query.source.as_str()),
        subject: Subject::from(query.subject.as_str()),
        metric: Metric::from(query.metric.as_str()),
    };
    let found = api
        .store
        .browse_observations(&stream, before, limit)
        .await?;
    let next = page::next(&found, limit, |last| (last.observed_at, last.sequence))?;
    let observations = found.into_iter().map(ObservationView::from).collect();
    Ok(Json(ObservationList { observations, next }))
}
