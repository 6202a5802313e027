// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ClaimAttestation, ClaimAttestations} from "../ClaimAttestation.sol";
import {ITocsinVerifier} from "../ITocsinVerifier.sol";
import {StatementConsumer} from "./StatementConsumer.sol";

/// A condition provider for one market of Y2K's Earthquake (v2), which its generic controller asks in `triggerLiquidation`.
///
/// An epoch of the market is one policy: its id is Y2K's epoch id, its contract the premium vault, its window the epoch. A
/// claim makes the condition met until that epoch ends, and no later: the next epoch is another policy.
contract Y2kCondition is StatementConsumer {
    using SafeCast for uint256;

    event ConditionMet(uint256 indexed epochId, bytes32 indexed claimKey, int256 measuredValue);

    error NotAnEpoch(bytes32 policyId, uint64 begin, uint64 end);
    error BadConditionType(uint256 conditionType);
    error BadLeastFraction(uint64 leastFraction);
    error OtherMarket(uint256 marketId);
    error FractionTooSmall(uint64 payoutFraction, uint64 leastFraction);
    error NoPrice(int256 value);
    error NothingAttested();

    /// As Y2K counts them: the value is above the strike, or below it.
    uint256 public constant ABOVE_STRIKE = 1;
    uint256 public constant BELOW_STRIKE = 2;

    address public immutable premiumVault;
    uint256 public immutable marketId;
    uint256 public immutable conditionType;
    /// Y2K pays all or nothing: claims of less than this fraction, 18 decimals, are refused.
    uint64 public immutable leastFraction;

    struct Round {
        uint64 updatedAt;
        /// The claim's epoch: from the first, before the second.
        uint64 begin;
        uint64 end;
        uint64 id;
        int256 value;
    }

    Round private _last;

    constructor(
        ITocsinVerifier verifier_,
        bytes32 termsHash_,
        address premiumVault_,
        uint256 marketId_,
        uint256 conditionType_,
        uint64 leastFraction_
    ) StatementConsumer(verifier_, termsHash_) {
        if (premiumVault_ == address(0)) revert ZeroAddress();
        if (conditionType_ != ABOVE_STRIKE && conditionType_ != BELOW_STRIKE) revert BadConditionType(conditionType_);
        if (leastFraction_ == 0 || leastFraction_ > ClaimAttestations.ONE) revert BadLeastFraction(leastFraction_);
        premiumVault = premiumVault_;
        marketId = marketId_;
        conditionType = conditionType_;
        leastFraction = leastFraction_;
    }

    /// Whether the condition is met in the epoch that is on now, and the value that was attested for it, 18 decimals. The
    /// value has to be beyond the strike as well, strictly, so that a market with another strike than the terms is not paid.
    /// Epochs may follow each other without a gap: the second in which one ends is the first of the next.
    function conditionMet(uint256 strike, uint256 marketId_) external view returns (bool met, int256 price) {
        if (marketId_ != marketId) revert OtherMarket(marketId_);
        Round memory last = _last;
        price = last.value;
        if (last.id == 0 || block.timestamp < last.begin || block.timestamp >= last.end) return (false, price);
        int256 limit = strike.toInt256();
        met = conditionType == BELOW_STRIKE ? price < limit : price > limit;
    }

    /// The value of the last claim. Before the first there is none, and this reverts.
    function getLatestPrice() external view returns (int256) {
        return _attested().value;
    }

    /// The last claim as a round of Chainlink's.
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory last = _attested();
        return (last.id, last.value, last.updatedAt, last.updatedAt, last.id);
    }

    /// Zero, which is no type, for any other market.
    function marketIdToConditionType(uint256 marketId_) external view returns (uint256) {
        return marketId_ == marketId ? conditionType : 0;
    }

    /// As Y2K's vault factory computes it.
    function epochIdOf(uint40 begin, uint40 end) public view returns (uint256) {
        return uint256(keccak256(abi.encodePacked(marketId, begin, end)));
    }

    function _onTriggered(ClaimAttestation calldata a, bytes32 claimKey) internal override {
        uint256 epochId = epochIdOf(_uint40(a, a.windowStart), _uint40(a, a.windowEnd));
        if (a.policyId != _policyId(premiumVault, epochId)) revert NotAnEpoch(a.policyId, a.windowStart, a.windowEnd);
        if (a.payoutFraction < leastFraction) revert FractionTooSmall(a.payoutFraction, leastFraction);
        // What was not known, and what is text, is attested as zero; neither is below a strike.
        if (a.measuredValue <= 0) revert NoPrice(a.measuredValue);
        if (_says(a)) {
            _last = Round({
                updatedAt: a.confirmedAt,
                begin: a.windowStart,
                end: a.windowEnd,
                id: _last.id + 1,
                value: a.measuredValue
            });
        }
        emit ConditionMet(epochId, claimKey, a.measuredValue);
    }

    /// A claim of an epoch that is over must not hide one of a later epoch, nor one that is less far beyond the strike
    /// another of the same epoch.
    function _says(ClaimAttestation calldata a) private view returns (bool) {
        Round memory last = _last;
        if (a.windowEnd != last.end) return a.windowEnd > last.end;
        return conditionType == BELOW_STRIKE ? a.measuredValue < last.value : a.measuredValue > last.value;
    }

    function _attested() private view returns (Round memory last) {
        last = _last;
        if (last.id == 0) revert NothingAttested();
    }

    function _uint40(ClaimAttestation calldata a, uint64 time) private pure returns (uint40) {
        if (time > type(uint40).max) revert NotAnEpoch(a.policyId, a.windowStart, a.windowEnd);
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(time);
    }
}
