//! `tocsin client`: requests that a person signs, to send them or to see how they look.

use std::io::{self};
use std::path::Path;
use std::time::Duration;

use alloy::hex;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tocsin_api::auth::admin::SECRET_PREFIX;
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::nonce::Nonce;
use tocsin_auth::request::Request;
use tocsin_auth::seal::random;
use tocsin_auth::sign::{Stamp, sign};
use tocsin_auth::{KeyId, SigningKey, UnixTime};
use url::Url;

use crate::cli::{Client, Signed, Write};
use crate::clock::Clock;
use crate::private_file;
use crate::report::{self, Report};

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a signature is good: as long as the profile allows.
const GOOD_FOR: i64 = 60;

/// Signs and sends, or shows.
pub async fn run(asked: Client, clock: &dyn Clock, out: &mut dyn io::Write) -> Result<(), Report> {
    match asked {
        Client::Generate { path } => generate(&path, out),
        Client::Get { signed } => {
            let request = Outgoing::new(Method::GET, &signed.url)?;
            request.go(&signed, clock, out).await
        }
        Client::Post(asked) => write(Method::POST, asked, clock, out).await,
        Client::Put(asked) => write(Method::PUT, asked, clock, out).await,
        Client::Delete(asked) => write(Method::DELETE, asked, clock, out).await,
    }
}

async fn write(
    method: Method,
    asked: Write,
    clock: &dyn Clock,
    out: &mut dyn io::Write,
) -> Result<(), Report> {
    let mut request = Outgoing::new(method, &asked.signed.url)?;
    if let Some(path) = asked.body {
        request.body = std::fs::read(&path).map_err(|error| {
            Report::bad_input(format!("cannot read {}: {error}", path.display()))
        })?;
        request.add("content-type", &asked.content_type)?;
        let digest = ContentDigest::of(&request.body).header();
        request.add("content-digest", &digest)?;
    }
    let key = match asked.idempotency_key {
        Some(key) => key,
        None => hex::encode(random_bytes()?),
    };
    request.add("idempotency-key", &key)?;
    request.go(&asked.signed, clock, out).await
}

fn random_bytes() -> Result<[u8; 16], Report> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    Ok(bytes)
}

/// A new private key, readable by its owner only.
fn generate(path: &Path, out: &mut dyn io::Write) -> Result<(), Report> {
    let mut seed = [0; 32];
    random(&mut seed)?;
    let key = SigningKey::ed25519(&seed)?;
    let public = key.public()?.unwrap_or_default();
    let made = private_file::make(path, &format!("{}\n", hex::encode(seed)));
    made.map_err(|error| {
        Report::bad_input(format!(
            "cannot write {}: {error}; name a file that does not exist",
            path.display()
        ))
    })?;
    writeln!(out, "public key: {}", hex::encode(public))?;
    Ok(())
}

fn read_key(path: &Path) -> Result<SigningKey, Report> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Report::bad_input(format!(
            "cannot read the key file {}: {error}",
            path.display()
        ))
    })?;
    let text = text.trim();
    if text.starts_with(SECRET_PREFIX) {
        return Ok(SigningKey::hmac(text.as_bytes())?);
    }
    // What is wrong with it must not quote it.
    let seed = hex::decode(text).map_err(|_digits| {
        Report::bad_input(format!(
            "{} holds no key: it should be a secret (tocsin_sk_…) or what `tocsin client generate` wrote",
            path.display()
        ))
    })?;
    Ok(SigningKey::ed25519(&seed)?)
}

struct Outgoing {
    method: Method,
    url: Url,
    authority: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Outgoing {
    fn new(method: Method, url: &Url) -> Result<Self, Report> {
        let host = url.host_str().ok_or_else(|| {
            Report::bad_input(format!("{url} names no host: write http:// or https://"))
        })?;
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            method,
            authority,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        })
    }

    fn add(&mut self, name: &'static str, value: &str) -> Result<(), Report> {
        let value = HeaderValue::from_str(value).map_err(|error| {
            Report::bad_input(format!("`{value}` cannot be sent as {name}: {error}"))
        })?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(())
    }

    async fn go(
        mut self,
        signed: &Signed,
        clock: &dyn Clock,
        out: &mut dyn io::Write,
    ) -> Result<(), Report> {
        self.sign(&signed.key, &signed.key_file, clock)?;
        if signed.curl {
            return self.print(out);
        }
        self.send(out).await
    }

    fn sign(&mut self, id: &KeyId, file: &Path, clock: &dyn Clock) -> Result<(), Report> {
        let key = read_key(file)?;
        let now = UnixTime(clock.now().0);
        let stamp = Stamp {
            created: now,
            expires: now.plus(GOOD_FOR),
            nonce: Nonce::new(random_bytes()?),
        };
        let request = Request {
            method: &self.method,
            authority: &self.authority,
            path: self.url.path(),
            query: self.url.query(),
            headers: &self.headers,
        };
        let signature = sign(&request, id, &key, &stamp)?;
        self.add("signature-input", &signature.input)?;
        self.add("signature", &signature.signature)
    }

    fn print(&self, out: &mut dyn io::Write) -> Result<(), Report> {
        write!(
            out,
            "curl --request {} {}",
            self.method,
            quoted(self.url.as_str())
        )?;
        for (name, value) in &self.headers {
            let value = value
                .to_str()
                .map_err(|error| Report::bad_input(format!("{name}: {error}")))?;
            write!(out, " --header {}", quoted(&format!("{name}: {value}")))?;
        }
        if !self.body.is_empty() {
            let body = core::str::from_utf8(&self.body).map_err(|_binary| {
                Report::bad_input("a body that is no text cannot be printed: send it".to_owned())
            })?;
            write!(out, " --data-binary {}", quoted(body))?;
        }
        writeln!(out)?;
        Ok(())
    }

    async fn send(self, out: &mut dyn io::Write) -> Result<(), Report> {
        let (status, body) = self.answer(PATIENCE).await?;
        out.write_all(&body)?;
        writeln!(out)?;
        if status.is_success() {
            Ok(())
        } else {
            Err(Report::refused(format!("the service answered {status}")))
        }
    }

    async fn answer(self, patience: Duration) -> Result<(StatusCode, Vec<u8>), Report> {
        let client = reqwest::Client::builder()
            .timeout(patience)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Report::bad_input(format!("cannot send: {error}")))?;
        let sent = client
            .request(self.method, self.url.clone())
            .headers(self.headers)
            .body(self.body);
        let answer = sent.send().await;
        let answer = answer.map_err(|error| {
            let why = report::chain(&error.without_url());
            Report::bad_input(format!("{} does not answer: {why}", self.url))
        })?;
        let status = answer.status();
        let body = answer.bytes().await;
        let body =
            body.map_err(|error| Report::bad_input(format!("the answer broke off: {error}")))?;
        Ok((status, body.to_vec()))
    }
}

/// What is asked for, signed where a key is named, and answered within `patience`.
pub(super) async fn get(
    url: &Url,
    by: Option<(&KeyId, &Path)>,
    patience: Duration,
    clock: &dyn Clock,
) -> Result<(StatusCode, Vec<u8>), Report> {
    let mut request = Outgoing::new(Method::GET, url)?;
    if let Some((id, file)) = by {
        request.sign(id, file, clock)?;
    }
    request.answer(patience).await
}

/// For a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
