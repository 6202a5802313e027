//! `tocsin run` in surroundings that cannot work: one clear message that names the place and the remedy, a failing exit
//! status, and nothing lost.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tocsin_store_sqlite::SqliteStore;

/// A node that gives every request the same answer.
fn node(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            let body = body.replace("@ID@", &id_of(&request));
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // The client may have gone.
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    format!("http://{address}")
}

/// A request with its body.
fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"}") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => break,
            Ok(length) => request.extend_from_slice(&part[..length]),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn id_of(request: &str) -> String {
    let (_, body) = request.split_once("\r\n\r\n").unwrap_or_default();
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    request["id"].to_string()
}

struct Service {
    folder: tempfile::TempDir,
}

impl Service {
    fn new(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let feed = "0x0000000000000000000000000000000000000001";
        let cover = format!(
            "name = \"c\"\ntitle = \"C\"\nversion = 1\n[inputs.x]\nmetric = \"price\"\nsubject = \"s\"\n\
             source = \"chainlink:eip155:1:{feed}\"\n[trigger]\nwhen = \"x < 1\"\n[payout]\nfraction = \"1\"\n"
        );
        std::fs::write(folder.path().join("cover.toml"), cover).unwrap();
        let config = format!(
            "database = \"t.db\"\n[[covers]]\nfile = \"cover.toml\"\nevaluate_from = \"2026-01-01T00:00:00Z\"\n\
             [chains.\"eip155:1\"]\nurl = \"{url}\"\nstrictly_rising_timestamps = true\nrequest_timeout_ms = 2000\n\
             [sources.\"chainlink:eip155:1:{feed}\"]\nevent = \"AnswerUpdated(int256 indexed current, uint256 indexed \
             roundId, uint256 updatedAt)\"\nsubject = \"s\"\nmetric = \"price\"\nvalue = \"current\"\ndecimals = 8\n\
             from_block = 1\n"
        );
        std::fs::write(folder.path().join("tocsin.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, text: &str) {
        let path = self.path("tocsin.toml");
        let config = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, config + text).unwrap();
    }

    fn run(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["run", "--config"])
            .arg(self.path("tocsin.toml"))
            .env("RUST_LOG", "off")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Fails with one message that has all these words in it.
    fn refuses(&self, words: &[&str]) {
        let output = self.run();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{said}");
        assert!(said.starts_with("error: "), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
    }
}

const CHAIN_1: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":"0x1"}"#;

#[test]
fn a_node_of_another_chain_is_refused() {
    let service = Service::new(&node(
        "200 OK",
        r#"{"jsonrpc":"2.0","id":@ID@,"result":"0x5"}"#,
    ));
    service.refuses(&["serves chain 5", "says chain 1", "correct the chain id"]);
}

#[test]
fn a_node_that_answers_with_an_error_is_named_with_what_was_asked() {
    let body = r#"{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32000,"message":"daily request count exceeded"}}"#;
    Service::new(&node("200 OK", body)).refuses(&[
        "eth_chainId",
        "127.0.0.1",
        "daily request count exceeded",
    ]);
}

#[test]
fn a_node_that_answers_nothing_is_named() {
    Service::new(&node("200 OK", "")).refuses(&["eth_chainId", "127.0.0.1"]);
    Service::new(&node("502 Bad Gateway", "")).refuses(&["eth_chainId", "502"]);
}

#[test]
fn a_node_that_is_not_there_is_named() {
    Service::new("http://127.0.0.1:1").refuses(&[
        "eth_chainId",
        "127.0.0.1:1",
        "[chains.\"eip155:1\"]",
    ]);
}

#[tokio::test]
async fn a_database_that_another_service_runs_on_is_refused() {
    let service = Service::new(&node("200 OK", CHAIN_1));
    let _running = SqliteStore::open(&service.path("t.db")).await.unwrap();
    service.refuses(&["t.db", "another"]);
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let service = Service::new(&node("200 OK", CHAIN_1));
    let text = "not a database at all, but somebody's file ".repeat(40);
    std::fs::write(service.path("t.db"), &text).unwrap();
    service.refuses(&["t.db"]);
    assert_eq!(std::fs::read_to_string(service.path("t.db")).unwrap(), text);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let service = Service::new(&node("200 OK", CHAIN_1));
    let path = service.path("tocsin.toml");
    let config = std::fs::read_to_string(&path)
        .unwrap()
        .replace("t.db", "no/such/folder/t.db");
    std::fs::write(path, config).unwrap();
    service.refuses(&["no/such/folder"]);
}

#[test]
fn a_wrong_keystore_password_is_refused_by_the_name_of_the_file() {
    let service = Service::new(&node("200 OK", CHAIN_1));
    std::fs::write(service.path("right"), "right\n").unwrap();
    std::fs::write(service.path("wrong"), "wrong\n").unwrap();
    let address = generate(&service.path("key.json"), &service.path("right"));
    service.append(&format!(
        "[attestor]\nverifier = \"eip155:1:0x0000000000000000000000000000000000000009\"\nepoch = 1\nthreshold = 1\n\
         signers = [\"{address}\"]\nhold = \"0s\"\nvalid_for = \"1d\"\n\
         signer = {{ kind = \"keystore\", path = \"key.json\", password = \"file:wrong\" }}\n"
    ));
    service.refuses(&["password", "key.json"]);
}

#[test]
fn terms_that_were_edited_under_the_same_version_are_refused() {
    // The terms are recorded before the node turns out to serve another chain.
    let service = Service::new(&node(
        "200 OK",
        r#"{"jsonrpc":"2.0","id":@ID@,"result":"0x5"}"#,
    ));
    let first = service.run();
    assert!(!first.status.success());
    let path = service.path("cover.toml");
    let cover = std::fs::read_to_string(&path)
        .unwrap()
        .replace("x < 1", "x < 2");
    std::fs::write(path, cover).unwrap();
    service.refuses(&["cover", "already stored and differs"]);
}

fn generate(path: &Path, password: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["keys", "generate"])
        .arg(path)
        .arg("--password-file")
        .arg(password)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned()
}
