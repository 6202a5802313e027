// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// A price feed with the interface and the event of a Chainlink aggregator, whose owner posts any round that a
/// demonstration or a test needs: recorded history, repeated seconds, rounds out of order.
contract DemoAggregator is Ownable {
    struct Round {
        int256 answer;
        uint256 updatedAt;
    }

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    error NoData(uint80 roundId);
    error RoundExists(uint80 roundId);
    error MissingUpdateTime();

    uint8 public constant decimals = 8;
    uint256 public constant version = 1;

    string public description;
    /// The highest round posted, whatever the order of posting.
    uint80 public latestRound;

    mapping(uint80 roundId => Round) private _rounds;

    constructor(string memory description_) Ownable(msg.sender) {
        description = description_;
    }

    /// Answers a new round. `updatedAt` is the feed's own time and is not compared with the block's.
    function post(int256 answer, uint80 roundId, uint256 updatedAt) external onlyOwner {
        if (updatedAt == 0) revert MissingUpdateTime();
        if (_rounds[roundId].updatedAt != 0) revert RoundExists(roundId);
        _rounds[roundId] = Round(answer, updatedAt);
        if (roundId > latestRound) latestRound = roundId;
        emit AnswerUpdated(answer, roundId, updatedAt);
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return getRoundData(latestRound);
    }

    function getRoundData(uint80 id)
        public
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round memory round = _rounds[id];
        if (round.updatedAt == 0) revert NoData(id);
        return (id, round.answer, round.updatedAt, round.updatedAt, id);
    }
}
