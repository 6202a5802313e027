//! The contracts, from their committed ABI and bytecode.

use alloy::sol;

sol!(
    #[sol(rpc)]
    TocsinVerifier,
    "../../contracts-abi/abi/TocsinVerifier.json"
);
sol!(
    #[sol(rpc)]
    ParametricCover,
    "../../contracts-abi/abi/ParametricCover.json"
);
sol!(
    #[sol(rpc)]
    DemoToken,
    "../../contracts-abi/abi/DemoToken.json"
);
sol!(
    #[sol(rpc)]
    DemoAggregator,
    "../../contracts-abi/abi/DemoAggregator.json"
);
