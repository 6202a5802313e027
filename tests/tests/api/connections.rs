//! Who opens all the connections that he can still leaves room for others.

use std::time::Duration;

use tocsin_api::health::Health;
use tocsin_tests::http;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::super::api;

#[tokio::test]
async fn one_address_has_its_share() {
    let (base, _folder) = api(&Health::default()).await;
    let address = base.strip_prefix("http://").unwrap();
    let connect = async || TcpStream::connect(address).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..256 {
        held.push(connect().await);
    }
    let closed = connect().await.read(&mut [0]).await;
    assert_eq!(closed.unwrap(), 0);

    drop(held);
    let live = format!("{base}/health/live");
    let mut looks = 0;
    while http::client().get(&live).send().await.is_err() {
        looks += 1;
        assert!(looks < 100, "the places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
