//! The contracts' interfaces, from the committed ABI files.

use alloy::sol;

sol!(
    #[derive(Debug)]
    TocsinVerifier,
    "../../contracts-abi/abi/TocsinVerifier.json"
);
sol!(
    #[derive(Debug)]
    ParametricCover,
    "../../contracts-abi/abi/ParametricCover.json"
);
