// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {GifResponse} from "../../src/adapters/GifResponse.sol";
import {GifV2Oracle, IGifV2OracleService} from "../../src/adapters/GifV2Oracle.sol";
import {vm} from "../../test/support/Vm.sol";
import {Published} from "./Published.sol";

interface IQueryModule {
    function assignController(address controller) external;
    function proposeOracle(address sender, address oracle, string calldata description) external returns (uint256);
    function request(
        bytes calldata input,
        string calldata callbackMethodName,
        address callbackContract,
        bytes32 oracleTypeName,
        uint256 oracleId
    ) external returns (uint256);
    function oracleResponses(uint256 id)
        external
        view
        returns (uint256 requestId, address responder, uint256 createdAt, bool status);
}

/// Where GIF's modules look each other up. Here this test plays every service that is not under test.
contract MiniRegistry {
    mapping(bytes32 name => address) private _at;

    function set(bytes32 name, address place) external {
        _at[name] = place;
    }

    function getContract(bytes32 name) external view returns (address) {
        return _at[name];
    }

    function getService(bytes32 name) external view returns (address) {
        return _at[name];
    }
}

/// Etherisc's own query module, its controller and its oracle service carry question and answer.
contract GifV2Test is Published {
    bytes32 private constant POLICY = keccak256("a GIF policy");

    IQueryModule private query;
    GifV2Oracle private oracle;
    uint256 private oracleId;

    GifResponse private _got;
    uint256 private _gotFor;
    bool private _broken;

    function setUp() public override {
        super.setUp();
        MiniRegistry registry = new MiniRegistry();
        query = IQueryModule(deploy("Query", abi.encode(registry)));
        address controller = deploy("QueryController", abi.encode(registry));
        address service = deploy("OracleService", abi.encode(registry));
        registry.set("Query", address(query));
        registry.set("OracleService", service);
        registry.set("InstanceOperator", address(this));
        registry.set("OracleOwnerService", address(this));
        registry.set("ProductService", address(this));
        query.assignController(controller);
        oracle = new GifV2Oracle(verifier, TERMS, address(query), IGifV2OracleService(service));
        oracleId = query.proposeOracle(address(this), address(oracle), "Tocsin");
    }

    /// The product's callback.
    function onAnswer(uint256 requestId, bytes calldata data) external {
        require(!_broken, "broken product");
        _gotFor = requestId;
        _got = abi.decode(data, (GifResponse));
    }

    function test_a_loss_reaches_the_product() public {
        ask();
        uint256 requestId = ask(keccak256("another policy"));
        ClaimAttestation memory a = loss(oracle, keccak256("another policy"));
        file(oracle, a);
        vm.assertEq(_gotFor, requestId, "request");
        vm.assertEq(_got.claimKey, keyOf(a), "claim key");
        vm.assertEq(_got.payoutFraction, 0.25e18, "fraction");
        (uint256 answered, address responder,, bool status) = query.oracleResponses(0);
        vm.assertTrue(answered == requestId && responder == address(oracle) && status, "GIF's own record");
    }

    function test_a_no_reaches_the_product() public {
        ask();
        ClaimAttestation memory a = nothing(oracle, POLICY);
        a.issuedAt = NOW;
        fileInBatch(oracle, a);
        vm.assertEq(_got.policyId, POLICY, "policy");
        vm.assertEq(_got.claimKey, 0, "no claim");
    }

    function test_gif_takes_answers_from_its_oracle_only() public {
        GifV2Oracle stranger = new GifV2Oracle(verifier, TERMS, address(this), oracle.oracleService());
        ask();
        stranger.request(0, abi.encode(POLICY));
        ClaimAttestation memory a = loss(stranger, POLICY);
        bytes memory signatures = signed(a);
        vm.expectRevert(abi.encodeWithSignature("Error(string)", "ERROR::NOT_RESPONSIBLE_ORACLE"));
        stranger.claim(a, signatures);
    }

    /// A limit of GIF that docs/adapters.md warns of: it notes that the callback failed, and never calls again.
    function test_gif_swallows_a_product_that_reverts() public {
        ask();
        _broken = true;
        ClaimAttestation memory a = loss(oracle, POLICY);
        file(oracle, a);
        (,,, bool status) = query.oracleResponses(0);
        vm.assertFalse(status, "GIF knows");
        vm.assertTrue(verifier.consumed(keyOf(a)), "and the claim is consumed");
    }

    function ask() private returns (uint256) {
        return ask(POLICY);
    }

    function ask(bytes32 policyId) private returns (uint256) {
        return query.request(abi.encode(policyId), "onAnswer", address(this), "Tocsin", oracleId);
    }
}
