// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// A share vault for demonstrations and tests. Anybody sets what it says of itself: its share price, whether it lets
/// anybody out, what its position looks like, and how much gas an answer takes.
contract DemoVault {
    struct Leg {
        uint8 kind;
        int256[] deltas;
    }

    struct Position {
        address owner;
        bytes4 tag;
        Leg[] legs;
    }

    error Paused(uint256 since);

    event Reprice(uint256 assetsPerShare);

    /// Assets for 10^18 shares. Slot 0.
    uint256 public assetsPerShare;
    /// Slot 1: owner, then the fee, then whether it is paused, from the lowest bit.
    address public owner;
    int64 public fee;
    bool public paused;
    /// Slot 2.
    mapping(address holder => uint256 shares) public balanceOf;
    /// Slot 3.
    mapping(uint256 id => mapping(address who => Note note)) private _notes;

    struct Note {
        uint128 low;
        uint128 high;
        uint256 next;
    }

    constructor() {
        assetsPerShare = 1e18;
        owner = msg.sender;
        fee = -25;
    }

    function reprice(uint256 assetsPerShare_) external {
        assetsPerShare = assetsPerShare_;
        emit Reprice(assetsPerShare_);
    }

    function pause(bool paused_) external {
        paused = paused_;
    }

    function give(address holder, uint256 shares) external {
        balanceOf[holder] = shares;
    }

    function note(uint256 id, address who, uint128 low, uint128 high, uint256 next) external {
        _notes[id][who] = Note(low, high, next);
    }

    function convertToAssets(uint256 shares) public view returns (uint256 assets) {
        return shares * assetsPerShare / 1e18;
    }

    /// Burns the caller's shares, unless the vault is paused or the caller has fewer.
    function redeem(uint256 shares) external returns (uint256 assets) {
        if (paused) revert Paused(block.timestamp);
        balanceOf[msg.sender] -= shares;
        return convertToAssets(shares);
    }

    /// Nothing, unless the vault is paused.
    function checkOpen() external view {
        if (paused) revert Paused(block.timestamp);
    }

    function position() external view returns (Position memory p, string memory status) {
        p.owner = owner;
        p.tag = 0xdeadbeef;
        p.legs = new Leg[](2);
        p.legs[0] = Leg(1, new int256[](1));
        p.legs[1] = Leg(2, new int256[](3));
        // casting to 'int256' is safe because nobody prices a share above 2^255
        // forge-lint: disable-next-line(unsafe-typecast)
        p.legs[1].deltas[2] = -int256(assetsPerShare);
        status = paused ? "paused" : "open";
    }

    /// The share price, after some work.
    function slow(uint256 rounds) external view returns (uint256 price) {
        bytes32 hash;
        for (uint256 i = 0; i < rounds; i++) {
            hash = keccak256(abi.encode(hash, i));
        }
        // The hash is never zero; so the compiler cannot leave the work out.
        return hash == bytes32(uint256(1)) ? 0 : assetsPerShare;
    }

    /// Answers with any bytes at all.
    function raw(bytes calldata answer) external pure {
        bytes memory copy = answer;
        assembly ("memory-safe") {
            return(add(copy, 32), mload(copy))
        }
    }

    /// Reverts with any bytes at all.
    function fail(bytes calldata answer) external pure {
        bytes memory copy = answer;
        assembly ("memory-safe") {
            revert(add(copy, 32), mload(copy))
        }
    }
}
