//! The faulty node itself: that it does what its rules say, over both transports, and nothing else.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tocsin_tests::anvil::Anvil;
use tocsin_tests::feed::Feed;
use tocsin_tests::rpc_fault::{Fault, FaultyNode, NOTICE, Rule, Transport};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const GENESIS: u64 = 1_678_400_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn post(node: &FaultyNode, request: &Value) -> reqwest::Response {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
        .post(node.url())
        .json(request)
        .send()
        .await
        .unwrap()
}

async fn ask(node: &FaultyNode, method: &str, params: Value) -> Value {
    post(node, &call(method, params))
        .await
        .json()
        .await
        .unwrap()
}

fn call(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

async fn say(socket: &mut Socket, request: Value) {
    socket
        .send(Message::text(request.to_string()))
        .await
        .unwrap();
}

/// The next message; `None` where there is none for a while, or the connection has ended.
async fn hear(socket: &mut Socket) -> Option<Value> {
    let next = tokio::time::timeout(Duration::from_millis(400), socket.next());
    let text = next.await.ok()??.ok()?.into_text().ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

async fn subscribed(node: &FaultyNode) -> Socket {
    let (mut socket, _) = connect_async(node.websocket_url().as_str()).await.unwrap();
    say(&mut socket, call("eth_subscribe", json!(["newHeads"]))).await;
    assert!(hear(&mut socket).await.unwrap()["result"].is_string());
    socket
}

fn number(notice: &Option<Value>) -> &Value {
    &notice.as_ref().unwrap()["params"]["result"]["number"]
}

#[tokio::test]
async fn rules_choose_by_method_block_count_and_chance_and_batches_are_spoiled_in_part() {
    let anvil = Anvil::start(GENESIS).await;
    anvil.mine(5).await;
    let node = FaultyNode::start(anvil.url()).await;
    let block = |number: u64| json!([format!("{number:#x}"), false]);
    node.add(
        Rule::new(Fault::Null)
            .of("eth_getBlockByNumber")
            .blocks(2..=3)
            .skip(1)
            .times(1),
    );
    for (number, lost) in [(1, false), (2, false), (3, true), (2, false)] {
        let answer = ask(&node, "eth_getBlockByNumber", block(number)).await;
        assert_eq!(answer["result"].is_null(), lost, "{number}");
    }
    assert_eq!(node.asked("eth_getBlockByNumber").len(), 4);

    node.heal();
    node.spoil("eth_chainId", Fault::ErrorReply);
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_blockNumber", "params": []},
    ]);
    let answers: Value = post(&node, &batch).await.json().await.unwrap();
    let of = |id: u64| {
        answers
            .as_array()
            .unwrap()
            .iter()
            .find(|answer| answer["id"] == id)
    };
    assert_eq!(of(1).unwrap()["error"]["code"], -32_000);
    assert_eq!(of(2).unwrap()["result"], "0x5");
    node.add(Rule::new(Fault::BatchLimit(1)));
    node.heal();
    node.add(Rule::new(Fault::BatchLimit(1)));
    let refused: Value = post(&node, &batch).await.json().await.unwrap();
    assert_eq!(refused["error"]["code"], -32_600);

    node.heal();
    node.add(Rule::new(Fault::Null).of("eth_chainId").percent(50));
    let mut spoiled = 0;
    for _ in 0..40 {
        let answer = ask(&node, "eth_chainId", json!([])).await;
        spoiled += u32::from(answer["result"].is_null());
    }
    assert!((5..=35).contains(&spoiled), "{spoiled}");
}

#[tokio::test]
async fn answers_can_be_late_slow_padded_refused_or_of_a_node_that_is_behind() {
    let anvil = Anvil::start(GENESIS).await;
    let feed = Feed::deploy(&anvil).await;
    feed.post_at(&anvil, 5, 1, GENESIS + 60).await;
    anvil.mine(3).await;
    let node = FaultyNode::start(anvil.url()).await;
    let spoil = |fault: Fault| {
        node.heal();
        node.add(Rule::new(fault));
    };
    spoil(Fault::TooManyRequests(Some("3".to_owned())));
    let refused = post(&node, &call("eth_chainId", json!([]))).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "3");
    spoil(Fault::Padded(1 << 20));
    let padded = post(&node, &call("eth_chainId", json!([]))).await;
    assert_eq!(padded.content_length(), Some(1 << 20));
    for fault in [Fault::Delay(150), Fault::Drip(3)] {
        spoil(fault);
        let begun = Instant::now();
        let answer = ask(&node, "eth_chainId", json!([])).await;
        assert_eq!(answer["result"], "0x7a69");
        assert!(begun.elapsed() >= Duration::from_millis(100));
    }

    let logs = json!([{"fromBlock": "0x2", "toBlock": "0x5", "address": feed.address}]);
    let honest = anvil.ask("eth_getLogs", logs.clone()).await;
    let posted = honest.as_array().unwrap().len();
    spoil(Fault::RangeLimit(3));
    assert!(ask(&node, "eth_getLogs", logs.clone()).await["error"].is_object());
    spoil(Fault::ResultLimit(0));
    assert_eq!(
        ask(&node, "eth_getLogs", logs.clone()).await["error"]["code"],
        -32_005
    );
    spoil(Fault::OmitLog);
    let fewer = ask(&node, "eth_getLogs", logs.clone()).await;
    assert_eq!(fewer["result"].as_array().unwrap().len() + 1, posted);
    spoil(Fault::AlterLog);
    let altered = ask(&node, "eth_getLogs", logs.clone()).await;
    assert_ne!(altered["result"][0]["data"], honest[0]["data"]);
    assert_eq!(altered["result"][0]["topics"], honest[0]["topics"]);
    let receipts = ask(&node, "eth_getBlockReceipts", json!(["0x2"])).await;
    let true_receipts = anvil.ask("eth_getBlockReceipts", json!(["0x2"])).await;
    assert_ne!(receipts["result"], true_receipts);

    // The feed's round is in block 2 of 5, the node knows one.
    spoil(Fault::Lag(4));
    assert_eq!(
        ask(&node, "eth_blockNumber", json!([])).await["result"],
        "0x1"
    );
    for known in ["latest", "0x1"] {
        let block = ask(&node, "eth_getBlockByNumber", json!([known, false])).await;
        assert_eq!(block["result"]["number"], "0x1");
    }
    let hash = &anvil.block("0x2").await["hash"];
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x2", false])),
        ("eth_getBlockByHash", json!([hash, false])),
        ("eth_getBlockReceipts", json!([hash])),
    ] {
        let answer = ask(&node, method, params).await;
        assert!(answer["result"].is_null(), "{method}: {answer}");
    }
    assert_eq!(ask(&node, "eth_getLogs", logs).await["result"], json!([]));

    let other = Anvil::start(GENESIS + 1).await;
    spoil(Fault::From(other.url()));
    let theirs = ask(&node, "eth_getBlockByNumber", json!(["0x0", false])).await;
    assert_eq!(theirs["result"], other.block("0x0").await);
}

#[tokio::test]
async fn subscriptions_pass_and_can_be_dropped_delayed_doubled_cut_and_silenced() {
    let anvil = Anvil::start(GENESIS).await;
    let node = FaultyNode::start(anvil.url()).await;
    let mut socket = subscribed(&node).await;
    anvil.mine(1).await;
    assert_eq!(number(&hear(&mut socket).await), "0x1");
    say(&mut socket, call("eth_blockNumber", json!([]))).await;
    assert_eq!(hear(&mut socket).await.unwrap()["result"], "0x1");
    assert_eq!(node.asked("eth_blockNumber")[0].over, Transport::WebSocket);

    node.add(Rule::new(Fault::Hang).of(NOTICE).times(1));
    node.add(Rule::new(Fault::Duplicate).of(NOTICE).blocks(3..=3));
    node.add(Rule::new(Fault::Delay(100)).of(NOTICE).blocks(4..=4));
    anvil.mine(1).await;
    assert_eq!(hear(&mut socket).await, None);
    anvil.mine(1).await;
    for _ in 0..2 {
        assert_eq!(number(&hear(&mut socket).await), "0x3");
    }
    let begun = Instant::now();
    anvil.mine(1).await;
    assert_eq!(number(&hear(&mut socket).await), "0x4");
    assert!(begun.elapsed() >= Duration::from_millis(100));

    node.silence_websockets(true);
    anvil.mine(1).await;
    say(&mut socket, call("eth_chainId", json!([]))).await;
    assert_eq!(hear(&mut socket).await, None);
    node.silence_websockets(false);
    let mut late = [
        hear(&mut socket).await.unwrap(),
        hear(&mut socket).await.unwrap(),
    ];
    late.sort_by_key(|message| message["id"].is_null());
    assert_eq!(late[0]["result"], "0x7a69");
    assert_eq!(late[1]["params"]["result"]["number"], "0x5");

    node.spoil("eth_chainId", Fault::HalfBody);
    say(&mut socket, call("eth_chainId", json!([]))).await;
    let half = socket.next().await.unwrap().unwrap();
    assert!(serde_json::from_str::<Value>(half.to_text().unwrap()).is_err());

    node.refuse_websockets(true);
    node.cut_websockets();
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    assert!(connect_async(node.websocket_url().as_str()).await.is_err());
    node.heal();
    subscribed(&node).await;
}

#[tokio::test]
async fn the_program_is_controlled_over_its_own_address() {
    let anvil = Anvil::start(GENESIS).await;
    let node = FaultyNode::start(anvil.url()).await;
    let rules = node.url().join("_fault/rules").unwrap();
    let client = reqwest::Client::builder().build().unwrap();
    let rule = json!({"fault": {"replace": ["/number", "0x63"]}, "methods": ["eth_getBlockByNumber"], "times": 1});
    let listed: Value = client
        .post(rules.clone())
        .json(&rule)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["rule"]["times"], 1);
    let newest = json!(["latest", false]);
    let block = ask(&node, "eth_getBlockByNumber", newest.clone()).await;
    assert_eq!(block["result"]["number"], "0x63");
    let listed: Value = client
        .get(rules.clone())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(listed[0]["met"], 1);
    let wrong = json!({"fault": "no_such_fault"});
    let refused: Value = client
        .post(rules.clone())
        .json(&wrong)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(
        refused["error"].as_str().unwrap().contains("no_such_fault"),
        "{refused}"
    );
    client.delete(rules).send().await.unwrap();
    let asked = node.url().join("_fault/asked").unwrap();
    let counts: Value = client
        .get(asked)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(counts["eth_getBlockByNumber"], 1);
}
