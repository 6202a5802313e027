//! Clients and their keys as operators meet them: the commands, beside a service that runs in a process of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up is a failed test"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How late the service may notice what the commands do: as configured below, and some time for a busy machine.
const SOON: Duration = Duration::from_secs(20);

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let desk = Self { folder };
        desk.write("master.key", &"11".repeat(32));
        desk.configure("");
        desk
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn configure(&self, more: &str) {
        let text = format!(
            "database = \"tocsin.db\"\n[api]\nlisten = \"127.0.0.1:0\"\n[auth]\nenvironment = \"test\"\n\
             master_key = \"file:master.key\"\nkeys_read_every = \"1s\"\n{more}"
        );
        self.write("tocsin.toml", &text);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What a command that succeeds prints.
    fn say(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a key of a client, and keeps its secret as a client would.
    fn keep(&self, printed: &str, file: &str) -> String {
        self.write(file, value(printed, "secret: "));
        value(printed, "key id: ").to_owned()
    }

    fn serve(&self) -> Service {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["run", "--json-logs"])
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if said["fields"]["message"] == "the API listens" {
                break said["fields"]["address"].as_str().unwrap().to_owned();
            }
        };
        // Nobody must wait for a reader.
        std::thread::spawn(move || for _line in lines.map_while(Result::ok) {});
        Service {
            process,
            base: format!("http://{address}"),
        }
    }
}

struct Service {
    process: Child,
    base: String,
}

impl Service {
    /// Whether a signed request of this key is answered.
    fn answers(&self, desk: &Desk, key: &str, file: &str) -> bool {
        let url = format!("{}/v1/caller", self.base);
        let output = desk.run(&["client", "get", &url, "--key", key, "--key-file", file]);
        output.status.success()
    }

    fn until(&self, desk: &Desk, key: &str, file: &str, answers: bool) {
        let begun = Instant::now();
        while self.answers(desk, key, file) != answers {
            assert!(
                begun.elapsed() < SOON,
                "{key} should be answered: {answers}"
            );
            sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn value<'a>(printed: &'a str, label: &str) -> &'a str {
    let found = printed.lines().find_map(|line| line.strip_prefix(label));
    found.unwrap_or_else(|| panic!("no `{label}` in: {printed}"))
}

#[test]
fn keys_change_beside_a_service_that_runs() {
    let desk = Desk::new();
    let added = desk.say(&["clients", "add", "desk", "--scope", "read"]);
    let first = desk.keep(&added, "first");
    let service = desk.serve();
    assert!(service.answers(&desk, &first, "first"));
    assert!(!service.answers(&desk, &first.replace("tk_test", "tk_prod"), "first"));
    let second = desk.say(&["clients", "rotate", "desk", "--overlap-hours", "1"]);
    assert!(second.contains(&format!("{first} is retiring")), "{second}");
    let second = desk.keep(&second, "second");
    service.until(&desk, &second, "second", true);
    assert!(service.answers(&desk, &first, "first"));
    let back = desk.say(&["clients", "rollback", &first]);
    assert!(back.contains(&format!("{first} is active")), "{back}");
    desk.say(&["clients", "retire", &second]);
    service.until(&desk, &second, "second", false);
    // What a person signs for curl is what the service takes.
    let url = format!("{}/v1/caller", service.base);
    let key = ["--key", &first, "--key-file", "first", "--curl"];
    desk.write("body.json", "{\"it's\": 1}");
    let line = desk.say(&[&["client", "post", &url, "--body", "body.json"], &key[..]].concat());
    let answer = Command::new("sh")
        .args(["-c", &format!("{} --silent --fail", line.trim())])
        .output()
        .unwrap();
    let said = String::from_utf8(answer.stdout).unwrap();
    assert!(said.contains("\"client\":\"desk\""), "{line}{said}");
    let listed = desk.say(&["clients", "list"]);
    assert!(listed.contains("desk hmac-sha256 active"), "{listed}");
    let nobody = desk.run(&[
        "clients",
        "revoke",
        "tk_test_00000000000000000000000000000000",
    ]);
    assert!(!nobody.status.success());
    let refused = desk.run(&["clients", "add", "boss", "--scope", "keys:manage"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ed25519"));
    let public = desk.say(&["client", "generate", "boss.key"]);
    let public = value(&public, "public key: ");
    let add = [
        "clients",
        "add",
        "boss",
        "--scope",
        "keys:manage",
        "--public-key",
        public,
    ];
    let boss = desk.say(&add);
    let boss = value(&boss, "key id: ");
    let url = format!("{}/v1/keys", service.base);
    let keys = desk.say(&[
        "client",
        "get",
        &url,
        "--key",
        boss,
        "--key-file",
        "boss.key",
    ]);
    assert!(keys.contains(&second), "{keys}");
}

/// docs/runbooks/emergency-rollover.md, step by step.
#[test]
fn an_emergency_is_over_within_a_minute() {
    let desk = Desk::new();
    let stolen = desk.say(&["clients", "add", "desk", "--scope", "read"]);
    let stolen = desk.keep(&stolen, "stolen");
    let other = desk.say(&["clients", "add", "other", "--scope", "read"]);
    let other = desk.keep(&other, "other");
    let service = desk.serve();
    assert!(service.answers(&desk, &stolen, "stolen"));
    // 1. Stop the key.
    let revoked = desk.say(&["clients", "revoke", &stolen]);
    assert!(revoked.contains("is revoked"), "{revoked}");
    service.until(&desk, &stolen, "stolen", false);
    assert!(service.answers(&desk, &other, "other"));
    // 2. Give the client a new one.
    let new = desk.say(&["clients", "add", "desk", "--scope", "read"]);
    let new = desk.keep(&new, "new");
    service.until(&desk, &new, "new", true);
    // 3. See what was done with the old one.
    let usage = desk.say(&["clients", "usage"]);
    assert!(usage.contains(&stolen), "{usage}");
    // 4. The master key may have been stolen as well: a new one, and the old one until every secret is sealed anew.
    drop(service);
    desk.write("old.key", &"11".repeat(32));
    desk.write("master.key", &"22".repeat(32));
    desk.configure("old_master_keys = [\"file:old.key\"]\n");
    let service = desk.serve();
    service.until(&desk, &new, "new", true);
    // Its first turn seals anew; a service that knows only the new master key opens what it has sealed.
    sleep(Duration::from_millis(500));
    drop(service);
    desk.configure("");
    let service = desk.serve();
    service.until(&desk, &new, "new", true);
    assert!(service.answers(&desk, &other, "other"));
    assert!(!service.answers(&desk, &stolen, "stolen"));
}
