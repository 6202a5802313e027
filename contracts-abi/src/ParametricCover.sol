// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {AttestationBatch} from "./AttestationBatch.sol";
import {ClaimAttestation, ClaimAttestations} from "./ClaimAttestation.sol";
import {ITocsinVerifier} from "./ITocsinVerifier.sol";

/// The reference product: sells policies on one risk under one set of terms, and pays them on attestation.
///
/// Every sold policy has its whole sum insured locked here as escrow until it is paid out or released, so a payout
/// never waits for anybody's money: `token.balanceOf(this) >= capital + escrowed`, always. Nothing can be changed
/// after deployment. The token must move exactly what it is asked to move and must not rebase.
contract ParametricCover is ReentrancyGuard {
    using ClaimAttestations for ClaimAttestation;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    struct Config {
        ITocsinVerifier verifier;
        IERC20 token;
        address underwriter;
        bytes32 termsHash;
        /// Premium in basis points of the sum insured, for any term, rounded up.
        uint16 premiumBps;
        /// Losses earlier than inception plus this are not covered.
        uint64 waitingSeconds;
        /// A claim is attested, for the first time, within this time of its confirmation. The attestors keep to it; a contract
        /// cannot tell a claim that came late from one that was stated anew under another epoch. Here it says how much of
        /// the settlement is gone before the last claim comes.
        uint64 claimDeadlineSeconds;
        /// Escrow stays locked for this time after expiry: the longest that the terms may take to confirm a loss,
        /// plus the claim deadline, plus the veto, plus the days that the daily cap may spread a catastrophe over.
        uint64 settlementSeconds;
        /// A claim is paid no sooner than this after it was presented here for the first time, so that the guardian sees it while it
        /// can still be held, whatever times the quorum wrote into it. Zero pays at once.
        uint64 vetoSeconds;
        /// A policy expires at most this long after its purchase: one premium must not lock capital for ever.
        uint64 maxTermSeconds;
        /// The most that one policy may insure.
        uint128 policyCap;
        /// The most that is paid in one UTC day, over all policies. No more is insured at a time than can be paid, at this
        /// rate, in the whole days between the claim deadline, with the veto after it, and the end of the settlement.
        uint128 dailyCap;
    }

    struct Policy {
        address holder;
        uint64 inception;
        bool released;
        uint128 sumInsured;
        /// What is left to be paid.
        uint128 escrow;
        bytes32 termsHash;
        uint64 expiry;
        uint64 id;
        /// After a claim of the policy was presented, and while and after one was held: the escrow stays for so long at least, whatever the settlement.
        uint64 stayedUntil;
    }

    event Funded(uint256 amount);
    event Withdrawn(uint256 amount);
    event PolicyBought(
        uint256 indexed id,
        bytes32 indexed policyId,
        address indexed holder,
        uint256 sumInsured,
        uint64 inception,
        uint64 expiry
    );
    event Paid(uint256 indexed id, bytes32 indexed policyId, bytes32 indexed claimKey, address holder, uint256 amount);
    event Presented(
        uint256 indexed id,
        bytes32 indexed policyId,
        bytes32 indexed claimKey,
        uint64 payoutFraction,
        uint64 payableFrom
    );
    event Stayed(uint256 indexed id, bytes32 indexed policyId, bytes32 indexed claimKey, uint64 until);
    event Released(uint256 indexed id, bytes32 indexed policyId, uint256 amount);

    error ZeroAddress();
    error ZeroTermsHash();
    error PolicyCapAboveDailyCap(uint256 policyCap, uint256 dailyCap);
    error SettlementBeforeClaimDeadline(uint64 settlementSeconds, uint256 lastClaimPayable);
    error NotUnderwriter(address caller);
    error NotEnoughCapital(uint256 wanted, uint256 capital);
    error MoreThanCanBePaid(uint256 escrowed, uint256 payable_);
    error TokenTookFee(uint256 asked, uint256 received);
    error ZeroSumInsured();
    error SumInsuredAboveCap(uint256 sumInsured, uint256 policyCap);
    error InceptionInPast(uint64 inception, uint256 blockTime);
    error TermTooShort(uint64 inception, uint64 expiry, uint64 waitingSeconds);
    error ExpiryTooFar(uint64 expiry, uint256 latest);
    error UnknownPolicy(bytes32 policyId);
    error PolicyReleased(uint256 id);
    error PolicyPaidInFull(uint256 id);
    error WrongTerms(bytes32 given, bytes32 expected);
    error WrongWindow(uint64 windowStart, uint64 windowEnd, uint256 expectedStart, uint256 expectedEnd);
    error DailyCapReached(uint256 amount, uint256 leftToday);
    error NotReleasable(uint256 releasableAfter, uint256 blockTime);
    error ClaimNotHeld(bytes32 claimKey);
    error NotForThisCover(address consumer);
    error NothingToPay(uint8 verdict);
    error AlreadyPresented(bytes32 claimKey, uint64 payableFrom);
    error AlreadyConsumed(bytes32 claimKey);
    error NotPresented(bytes32 claimKey);
    error VetoOpen(bytes32 claimKey, uint64 payableFrom);

    uint256 private constant BASIS_POINTS = 10_000;

    ITocsinVerifier public immutable verifier;
    IERC20 public immutable token;
    address public immutable underwriter;
    bytes32 public immutable termsHash;
    uint16 public immutable premiumBps;
    uint64 public immutable waitingSeconds;
    uint64 public immutable claimDeadlineSeconds;
    uint64 public immutable settlementSeconds;
    uint64 public immutable vetoSeconds;
    uint64 public immutable maxTermSeconds;
    uint128 public immutable policyCap;
    uint128 public immutable dailyCap;

    /// Policies are numbered from 1 to this.
    uint64 public policyCount;
    /// What the underwriter may withdraw or insure with.
    uint256 public capital;
    /// The sum of every policy's escrow.
    uint256 public escrowed;
    /// Days are counted from the Unix epoch.
    mapping(uint256 utcDay => uint256) public paidOn;

    mapping(bytes32 policyId => Policy) private _policies;
    /// By claim key and payout fraction: when it may be paid. A claim that is stated anew, under another epoch, does not wait again;
    /// one that is to pay something else does.
    mapping(bytes32 claim => uint64) private _payableFrom;

    modifier onlyUnderwriter() {
        if (msg.sender != underwriter) revert NotUnderwriter(msg.sender);
        _;
    }

    constructor(Config memory config) {
        if (address(config.verifier) == address(0) || address(config.token) == address(0)) revert ZeroAddress();
        if (config.underwriter == address(0)) revert ZeroAddress();
        if (config.termsHash == 0) revert ZeroTermsHash();
        // A larger payout than a day allows could never be made.
        if (config.policyCap > config.dailyCap) revert PolicyCapAboveDailyCap(config.policyCap, config.dailyCap);
        uint256 lastClaimPayable = uint256(config.claimDeadlineSeconds) + config.vetoSeconds;
        if (config.settlementSeconds < lastClaimPayable) {
            revert SettlementBeforeClaimDeadline(config.settlementSeconds, lastClaimPayable);
        }
        verifier = config.verifier;
        token = config.token;
        underwriter = config.underwriter;
        termsHash = config.termsHash;
        premiumBps = config.premiumBps;
        waitingSeconds = config.waitingSeconds;
        claimDeadlineSeconds = config.claimDeadlineSeconds;
        settlementSeconds = config.settlementSeconds;
        vetoSeconds = config.vetoSeconds;
        maxTermSeconds = config.maxTermSeconds;
        policyCap = config.policyCap;
        dailyCap = config.dailyCap;
    }

    /// Adds capital to insure with.
    function fund(uint256 amount) external onlyUnderwriter nonReentrant {
        _pull(msg.sender, amount);
        capital += amount;
        emit Funded(amount);
    }

    /// Takes free capital out; escrow is out of reach.
    function withdraw(uint256 amount) external onlyUnderwriter nonReentrant {
        _takeCapital(amount);
        emit Withdrawn(amount);
        token.safeTransfer(underwriter, amount);
    }

    /// Buys a policy for the caller. See `buyFor`.
    function buy(uint256 sumInsured, uint64 inception, uint64 expiry) external returns (uint256 id) {
        return buyFor(msg.sender, sumInsured, inception, expiry);
    }

    /// The caller pays the premium; `holder` is insured for [inception, expiry), less the waiting period, and is paid.
    function buyFor(address holder, uint256 sumInsured, uint64 inception, uint64 expiry)
        public
        nonReentrant
        returns (uint256 id)
    {
        if (holder == address(0)) revert ZeroAddress();
        if (sumInsured == 0) revert ZeroSumInsured();
        if (sumInsured > policyCap) revert SumInsuredAboveCap(sumInsured, policyCap);
        _checkTerm(inception, expiry);

        uint256 premium = premiumFor(sumInsured);
        _pull(msg.sender, premium);
        capital += premium;
        _takeCapital(sumInsured);
        escrowed += sumInsured;
        // Or one policy's payout could be crowded out of every day until its escrow is released.
        if (escrowed > payableInTime()) revert MoreThanCanBePaid(escrowed, payableInTime());

        uint64 number = ++policyCount;
        bytes32 policyId = policyIdOf(number);
        uint128 sum = sumInsured.toUint128();
        _policies[policyId] = Policy({
            holder: holder,
            inception: inception,
            released: false,
            sumInsured: sum,
            escrow: sum,
            termsHash: termsHash,
            expiry: expiry,
            id: number,
            stayedUntil: 0
        });
        emit PolicyBought(number, policyId, holder, sumInsured, inception, expiry);
        return number;
    }

    /// Begins the claim's veto, and keeps the policy's escrow until it is over and the claim can be paid, whatever the
    /// settlement. Once for what a claim is to pay. Anybody may bring it; nobody is paid yet.
    function present(ClaimAttestation calldata a, bytes calldata signatures)
        external
        nonReentrant
        returns (uint64 payableFrom)
    {
        verifier.verify(a, signatures);
        return _present(a);
    }

    /// `present` for an attestation that was signed as one of a batch.
    function presentBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external nonReentrant returns (uint64 payableFrom) {
        verifier.verifyBatched(a, batch, proof, signatures);
        return _present(a);
    }

    /// Pays a policy's holder what an attested loss event is worth. Anybody may file. A claim that the daily cap
    /// turns away is not consumed and can be filed again the next day. Where there is a veto, it was presented before.
    function claim(ClaimAttestation calldata a, bytes calldata signatures)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _book(a);
        _pay(a.policyId, verifier.consume(a, signatures), amount);
    }

    /// `claim` for an attestation that was signed as one of a batch.
    function claimBatched(
        ClaimAttestation calldata a,
        AttestationBatch calldata batch,
        bytes32[] calldata proof,
        bytes calldata signatures
    ) external nonReentrant returns (uint256 amount) {
        amount = _book(a);
        _pay(a.policyId, verifier.consumeBatched(a, batch, proof, signatures), amount);
    }

    /// Keeps the escrow of a policy of which a claim is held at the verifier now, so that the guardian cannot hold it until the
    /// escrow is gone. It stays for the days between claim deadline and settlement, from now on: to be asked for again while
    /// the hold lasts, and enough to be paid once a quorum has ended it. Anybody may call.
    function stay(uint256 id, bytes32 eventId) external returns (uint64 until) {
        bytes32 policyId = policyIdOf(id);
        Policy storage policy_ = _known(policyId);
        if (policy_.released) revert PolicyReleased(id);
        bytes32 claimKey = keccak256(abi.encode(address(this), policyId, policy_.termsHash, eventId));
        if (!verifier.claimStatus(claimKey).held) revert ClaimNotHeld(claimKey);
        until = _stay(policy_);
        emit Stayed(id, policyId, claimKey, until);
    }

    /// Gives what a policy did not pay back to the free capital, once nothing can be owed any more. Anybody may call.
    function release(uint256 id) external nonReentrant returns (uint256 amount) {
        bytes32 policyId = policyIdOf(id);
        Policy storage policy_ = _known(policyId);
        if (policy_.released) revert PolicyReleased(id);
        uint256 releasableAfter = Math.max(uint256(policy_.expiry) + settlementSeconds, policy_.stayedUntil);
        if (block.timestamp <= releasableAfter) revert NotReleasable(releasableAfter, block.timestamp);

        amount = policy_.escrow;
        policy_.released = true;
        policy_.escrow = 0;
        escrowed -= amount;
        capital += amount;
        emit Released(id, policyId, amount);
    }

    function policy(uint256 id) external view returns (Policy memory) {
        return _known(policyIdOf(id));
    }

    /// What attestations call this policy: unique over chains and contracts. It follows `block.chainid`, so on the
    /// branch of a chain split that takes a new id the old policies are unknown and nothing is paid a second time.
    function policyIdOf(uint256 id) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), id));
    }

    /// What the daily cap lets out in the whole days that are left when the last claim is payable.
    function payableInTime() public view returns (uint256) {
        return uint256(dailyCap) * ((settlementSeconds - claimDeadlineSeconds - vetoSeconds) / 1 days);
    }

    /// When the claim, as it is stated, may be paid; zero where it was not presented.
    function payableFromOf(ClaimAttestation calldata a) external view returns (uint64) {
        return _payableFrom[_contentOf(a)];
    }

    function premiumFor(uint256 sumInsured) public view returns (uint256) {
        return Math.mulDiv(sumInsured, premiumBps, BASIS_POINTS, Math.Rounding.Ceil);
    }

    /// Takes what the claim is worth out of the books, before anybody else is called. The verifier, which is asked next,
    /// reverts all of it where the claim is not genuine.
    function _book(ClaimAttestation calldata a) private returns (uint256 amount) {
        Policy storage policy_ = _known(a.policyId);
        _checkClaim(a, policy_, policy_.id);
        if (vetoSeconds != 0) _checkVeto(a);

        // The verifier bounds the fraction by one. A re-armed trigger may add up to more than is insured, so what
        // is left is the limit.
        amount = Math.min(uint256(policy_.sumInsured) * a.payoutFraction / ClaimAttestations.ONE, policy_.escrow);
        _countToday(amount);
        policy_.escrow -= amount.toUint128();
        escrowed -= amount;
    }

    function _present(ClaimAttestation calldata a) private returns (uint64 payableFrom) {
        if (a.consumer != address(this)) revert NotForThisCover(a.consumer);
        if (a.verdict != ClaimAttestations.TRIGGERED) revert NothingToPay(a.verdict);
        Policy storage policy_ = _known(a.policyId);
        uint64 id = policy_.id;
        _checkClaim(a, policy_, id);
        bytes32 claimKey = a.claimKey();
        if (verifier.consumed(claimKey)) revert AlreadyConsumed(claimKey);
        bytes32 content = _contentOf(a);
        payableFrom = _payableFrom[content];
        if (payableFrom != 0) revert AlreadyPresented(claimKey, payableFrom);

        payableFrom = uint64(block.timestamp) + vetoSeconds;
        _payableFrom[content] = payableFrom;
        _stay(policy_);
        emit Presented(id, a.policyId, claimKey, a.payoutFraction, payableFrom);
    }

    /// Long enough for a veto and the days after it, from now on.
    function _stay(Policy storage policy_) private returns (uint64 until) {
        until = uint64(block.timestamp) + settlementSeconds - claimDeadlineSeconds;
        policy_.stayedUntil = until;
    }

    function _checkVeto(ClaimAttestation calldata a) private view {
        uint64 payableFrom = _payableFrom[_contentOf(a)];
        if (payableFrom == 0) revert NotPresented(a.claimKey());
        if (block.timestamp < payableFrom) revert VetoOpen(a.claimKey(), payableFrom);
    }

    function _contentOf(ClaimAttestation calldata a) private pure returns (bytes32) {
        return keccak256(abi.encode(a.claimKey(), a.payoutFraction));
    }

    function _pay(bytes32 policyId, bytes32 claimKey, uint256 amount) private {
        Policy storage policy_ = _policies[policyId];
        address holder = policy_.holder;
        emit Paid(policy_.id, policyId, claimKey, holder, amount);
        token.safeTransfer(holder, amount);
    }

    function _known(bytes32 policyId) private view returns (Policy storage policy_) {
        policy_ = _policies[policyId];
        if (policy_.holder == address(0)) revert UnknownPolicy(policyId);
    }

    function _checkTerm(uint64 inception, uint64 expiry) private view {
        // Cover for what already happened is never sold.
        if (inception < block.timestamp) revert InceptionInPast(inception, block.timestamp);
        if (expiry <= uint256(inception) + waitingSeconds) revert TermTooShort(inception, expiry, waitingSeconds);
        uint256 latest = block.timestamp + maxTermSeconds;
        if (expiry > latest) revert ExpiryTooFar(expiry, latest);
    }

    /// What the verifier cannot know: that the claim is under this policy's terms, for its window, and in time.
    function _checkClaim(ClaimAttestation calldata a, Policy storage policy_, uint256 id) private view {
        if (policy_.released) revert PolicyReleased(id);
        if (policy_.escrow == 0) revert PolicyPaidInFull(id);
        if (a.termsHash != policy_.termsHash) revert WrongTerms(a.termsHash, policy_.termsHash);

        uint256 start = uint256(policy_.inception) + waitingSeconds;
        uint256 end = policy_.expiry;
        if (a.windowStart != start || a.windowEnd != end) revert WrongWindow(a.windowStart, a.windowEnd, start, end);
    }

    function _countToday(uint256 amount) private {
        uint256 today = block.timestamp / 1 days;
        uint256 leftToday = dailyCap - paidOn[today];
        if (amount > leftToday) revert DailyCapReached(amount, leftToday);
        paidOn[today] += amount;
    }

    function _takeCapital(uint256 amount) private {
        if (amount > capital) revert NotEnoughCapital(amount, capital);
        capital -= amount;
    }

    /// Accounting believes amounts, so a token that keeps a part of a transfer is refused at the door.
    function _pull(address from, uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TokenTookFee(amount, received);
    }
}
