//! Solana's chains, accounts and tokens: which are taken, and what wrong ones are told.

use tocsin_domain::cover::Cover;

use super::{RIGHT, replaced, snapshot};

#[test]
fn identifiers_of_solana() {
    let subject = "\"eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"";
    let source = "\"chainlink:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6\"";
    let finality = "\"eip155:1\" = \"finalized\"";
    let right = [
        (subject, "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\""),
        (
            subject,
            "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb\"",
        ),
        (
            subject,
            "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn\"",
        ),
        (
            subject,
            "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/slip44:501\"",
        ),
        (subject, "\"solana:8E9rvCKLFQia2Y35HXjjpWzj8weVo44K\""),
        (
            source,
            "\"account:solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb#total_lamports\"",
        ),
        (
            source,
            "\"event:solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy#Paused\"",
        ),
        (
            finality,
            "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\" = \"finalized\"",
        ),
    ];
    for (from, to) in right {
        let text = RIGHT.replace(from, to);
        assert_ne!(text, RIGHT, "{to}");
        assert!(
            Cover::parse(&text).is_ok(),
            "{to}: {:#?}",
            Cover::parse(&text)
        );
    }
    snapshot(
        "identifiers_of_solana",
        &replaced(&[
            (subject, "\"solana:mainnet-beta\""),
            (subject, "\"solana:5EYKT4UsFv8P8NJdTREpY1vzqKqZKvdp\""),
            (
                subject,
                "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d\"",
            ),
            (subject, "\"solana:101\""),
            (
                subject,
                "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48\"",
            ),
            (
                subject,
                "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:jito4apyf642jpzpx3hgc6wwj8zpktrbrs4p815awbb\"",
            ),
            (
                subject,
                "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:Jito4APyf642JPZPx3hGc6WWJ8z\"",
            ),
            (
                subject,
                "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/spl:J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn\"",
            ),
            (subject, "\"solanna:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\""),
            (
                source,
                "\"account:solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb\"",
            ),
            (
                source,
                "\"account:eip155:1:0x8fffffd4afb6115b954bd326cbe7b4ba576818f6#price\"",
            ),
            (
                source,
                "\"call:solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb#price\"",
            ),
            (
                source,
                "\"acount:solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:Jito4APyf642JPZPx3hGc6WWJ8zPKtRbRs4P815Awbb#price\"",
            ),
            (finality, "\"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp\" = 32"),
        ]),
    );
}
