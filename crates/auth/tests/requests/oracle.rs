//! The crate `httpsig` signs what is accepted here, and accepts what is signed here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use httpsig::prelude::message_component::HttpMessageComponent;
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, HttpSignatureParams, PublicKey,
    SecretKey, SharedKey,
};

use super::*;

/// The covered components as that crate reads them, made here by hand.
fn components(sent: &Sent) -> Vec<HttpMessageComponent> {
    let mut lines = vec![
        format!("\"@method\": {}", sent.method),
        format!("\"@authority\": {}", sent.authority),
        format!("\"@path\": {}", sent.path),
        format!("\"@query\": ?{}", sent.query.as_deref().unwrap_or_default()),
    ];
    for name in ["content-type", "content-digest", "idempotency-key"] {
        let found = sent.headers.iter().find(|(there, _)| there == name);
        if let Some((_, value)) = found {
            lines.push(format!("\"{name}\": {value}"));
        }
    }
    let lines = lines.iter();
    lines
        .map(|line| HttpMessageComponent::try_from(line.as_str()).unwrap())
        .collect()
}

fn samples() -> [Sent; 3] {
    [
        Sent::get("/v1/keys", None),
        Sent::get("/v1/policies", Some("a=b&c=%22")),
        Sent::post("/v1/policies", b"{\"number\":1}"),
    ]
}

#[test]
fn what_another_signs_is_accepted() {
    let [shared, own] = Holder::both(&[Scope::Read]);
    let secret = STANDARD.encode([5; 32]);
    let secret = SharedKey::from_base64(&AlgorithmName::HmacSha256, &secret).unwrap();
    let pair = SecretKey::from_bytes(&AlgorithmName::Ed25519, &[6; 32]).unwrap();
    for (holder, algorithm) in [(&shared, "hmac-sha256"), (&own, "ed25519")] {
        for mut sent in samples() {
            let components = components(&sent);
            let names: Vec<String> = components.iter().map(|it| it.id.to_string()).collect();
            let parameters = format!(
                "({});created={};expires={};nonce=\"abcdefghijklmnopqrstuvwx\";alg=\"{algorithm}\";keyid=\"{}\";tag=\"tocsin-api-v1\"",
                names.join(" "),
                NOW.0,
                NOW.0 + 60,
                holder.known.id
            );
            let parameters = HttpSignatureParams::try_from(parameters.as_str()).unwrap();
            let base = HttpSignatureBase::try_new(&components, &parameters).unwrap();
            let headers = if algorithm == "ed25519" {
                base.build_signature_headers(&pair, Some("sig1"))
            } else {
                base.build_signature_headers(&secret, Some("sig1"))
            };
            let headers = headers.unwrap();
            sent.add("signature-input", &headers.signature_input_header_value());
            sent.add("signature", &headers.signature_header_value());
            sent.check(holder, NOW, Scope::Read).unwrap();
        }
    }
}

#[test]
fn what_is_signed_here_is_accepted_by_another() {
    let [shared, own] = Holder::both(&[Scope::Read]);
    let secret = STANDARD.encode([5; 32]);
    let secret = SharedKey::from_base64(&AlgorithmName::HmacSha256, &secret).unwrap();
    let public = own.key.public().unwrap().unwrap();
    let public = PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).unwrap();
    for holder in [&shared, &own] {
        for sent in samples() {
            let components = components(&sent);
            let signed = sent.signed(holder, 1);
            let value = |name: &str| {
                let found = signed.headers.iter().find(|(there, _)| there == name);
                found.unwrap().1.clone()
            };
            let map =
                HttpSignatureHeaders::try_parse(&value("signature"), &value("signature-input"));
            let map = map.unwrap();
            let (_, headers) = map.first().unwrap();
            let base = HttpSignatureBase::try_new(&components, headers.signature_params()).unwrap();
            let verified = match holder.key {
                SigningKey::HmacSha256(_) => base.verify_signature_headers(&secret, headers),
                SigningKey::Ed25519(_) => base.verify_signature_headers(&public, headers),
            };
            verified.unwrap();
        }
    }
}
