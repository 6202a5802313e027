//! The description of the API: OpenAPI 3.1, made from the routes.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::ProblemDetails;
use crate::route::SIGNED;

/// What is not a path: the title, the schemes, and the schemas that every route uses.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tocsin",
        description = "What was observed, determined, attested and paid, and why. Amounts and other large numbers are decimal text. Errors are RFC 9457 problem details.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Schemes)
)]
pub(crate) struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let described = "An HTTP message signature (RFC 9421) with the tag `tocsin-api-v1`; docs/auth.md has the profile.";
        let scheme = ApiKey::Header(ApiKeyValue::with_description("Signature", described));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(SIGNED, SecurityScheme::ApiKey(scheme));
    }
}
