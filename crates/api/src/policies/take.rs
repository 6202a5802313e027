//! Taking policies into the books: one or many, all or none.

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tocsin_domain::ids::PolicyId;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::books::{self, Asked, FLAWS_MAX, Untaken};
use crate::extract::{Whole, media_type};
use crate::problem::{Flaw, Kind, Problem, ProblemDetails};
use crate::served::Served;
use crate::strict;

/// Policies of one request.
const POLICIES_MAX: usize = 10_000;

/// A policy in words, as files of policies have it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The number that the consumer gave it, decimal.
    #[schema(example = "1", pattern = "^[0-9]{1,78}$")]
    pub number: String,
    /// The cover's name.
    pub cover: String,
    /// The hash of the terms that it was sold under.
    #[schema(pattern = "^0x[0-9a-fA-F]{64}$")]
    pub terms_hash: String,
    /// Who pays, by CAIP-10.
    #[schema(
        example = "eip155:1:0x8fff9ba4bb0f33b3d2b9fbdbd1c4e8b8bcd9c9a1",
        pattern = "^eip155:(0|[1-9][0-9]{0,18}):0x[0-9a-fA-F]{40}$"
    )]
    pub consumer: String,
    /// Who is paid: an address.
    #[schema(pattern = "^0x[0-9a-fA-F]{40}$")]
    pub holder: String,
    /// In the smallest unit of the consumer's token, decimal.
    #[schema(example = "10000000000", pattern = "^[0-9]{1,78}$")]
    pub sum_insured: String,
    /// When it begins: RFC 3339 or unix seconds.
    #[schema(example = "2030-02-01T00:00:00Z")]
    pub inception: String,
    /// When it ends.
    #[schema(example = "2031-02-01T00:00:00Z")]
    pub expiry: String,
    /// What is insured, where the cover's inputs name no subject.
    #[serde(default)]
    pub subject: Option<String>,
}

/// What is sent: one policy or a list of them.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it describes the body, which is read row by row")]
pub(crate) enum NewPolicies {
    /// One.
    One(NewPolicy),
    /// Many: all are taken, or none.
    Many(Vec<NewPolicy>),
}

/// The policies that are in the books now, in the order of the request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct PoliciesTaken {
    /// Their ids.
    #[schema(value_type = Vec<String>)]
    pub policies: Vec<PolicyId>,
}

/// Takes policies into the books, all or none: a JSON object, a list of them, or a line each (`application/x-ndjson`), at most
/// 10,000. The same policies again change nothing; a policy never changes.
#[utoipa::path(post, path = "/v1/policies", operation_id = "take_policies", tag = "policies", params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "New for every write; the same when it is repeated")), request_body(content((NewPolicies = "application/json"), (String = "application/x-ndjson"))), responses((status = 201, description = "They are in the books", body = PoliciesTaken), (status = 409, description = "The same request is being worked on", body = ProblemDetails, content_type = "application/problem+json"), (status = 422, description = "Some are not valid, and none was taken; or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json")))]
pub(crate) async fn take(
    State(api): State<Served>,
    caller: Option<Extension<Caller>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<Response, Problem> {
    let caller = caller.map(|Extension(caller)| caller);
    let asked = Asked::of(caller.as_ref(), &headers, "POST /v1/policies", &body)?;
    let books = books::of(&api)?;
    if let Some(answered) = asked.answered(&*api.store).await? {
        return Ok(answered);
    }
    let (shape, policies) = read(&headers, &body)?;
    let outcome = books.take(policies, asked.clone()).await;
    let outcome = outcome.map_err(|untaken| match untaken {
        Untaken::Flawed(flaws) => {
            let placed = flaws.into_iter().map(|flaw| shape.placed(flaw));
            Untaken::Flawed(placed.collect())
        }
        other => other,
    });
    books::told(&api, &asked, outcome, |count| {
        format!("{count} policies cannot be taken, and none was")
    })
    .await
}

/// How policies are written in a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// One object.
    One,
    /// A list of them, or a line each.
    Many,
}

impl Shape {
    /// With a pointer into the body as it was sent: one object has no number.
    fn placed(self, mut flaw: Flaw) -> Flaw {
        if self == Self::One
            && let Some(pointer) = &mut flaw.pointer
            && let Some(inside) = pointer.strip_prefix("/0")
        {
            *pointer = inside.to_owned();
        }
        flaw
    }
}

/// The rows of a body; every one that is none is named.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Shape, Vec<NewPolicy>), Problem> {
    let mut shape = Shape::Many;
    let rows: Vec<Result<Value, String>> = match media_type(headers).as_str() {
        "application/json" => match strict::tree(body) {
            Ok(Value::Array(rows)) => rows.into_iter().map(Ok).collect(),
            Ok(one) => {
                shape = Shape::One;
                vec![Ok(one)]
            }
            Err(reason) => {
                return Err(Problem::BadRequest(format!(
                    "the body cannot be read: {reason}"
                )));
            }
        },
        "application/x-ndjson" => body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .map(strict::tree)
            .collect(),
        _ => {
            return Err(Problem::Said {
                kind: Kind::MediaType,
                detail: "send application/json or application/x-ndjson".to_owned(),
            });
        }
    };
    if rows.is_empty() || rows.len() > POLICIES_MAX {
        return Err(Problem::Flawed {
            detail: format!("{} policies: send 1 to {POLICIES_MAX}", rows.len()),
            errors: Vec::new(),
        });
    }
    let mut policies = Vec::with_capacity(rows.len());
    let mut errors = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        let at = format!("/{place}");
        let read = match row {
            Ok(row) => strict::typed(row, &at),
            Err(detail) => Err(Flaw {
                pointer: Some(at),
                line: None,
                column: None,
                detail,
                help: None,
            }),
        };
        match read {
            Ok(policy) => policies.push(policy),
            Err(flaw) if errors.len() < FLAWS_MAX => errors.push(shape.placed(flaw)),
            Err(_counted) => {}
        }
    }
    if errors.is_empty() {
        Ok((shape, policies))
    } else {
        let detail = "some rows are no policies, and none was taken".to_owned();
        Err(Problem::Flawed { detail, errors })
    }
}
