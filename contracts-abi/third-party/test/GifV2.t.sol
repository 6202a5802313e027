// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ClaimAttestation} from "../../src/ClaimAttestation.sol";
import {GifResponse} from "../../src/adapters/GifResponse.sol";
import {IGifV2Registry} from "../../src/adapters/GifV2Component.sol";
import {GifV2Oracle} from "../../src/adapters/GifV2Oracle.sol";
import {vm} from "../../test/support/Vm.sol";
import {Published} from "./Published.sol";

interface IComponentModule {
    function propose(address component) external;
    function approve(uint256 id) external;
    function getComponentState(uint256 id) external view returns (uint8);
}

interface IQueryModule {
    function request(
        bytes32 processId,
        bytes calldata input,
        string calldata callbackMethodName,
        address callbackContract,
        uint256 oracleId
    ) external returns (uint256);
    function cancel(uint256 requestId) external;
}

/// Where GIF's modules look each other up. This test plays every service that is not under test.
contract MiniRegistry is IGifV2Registry {
    mapping(bytes32 name => address) private _at;

    function set(bytes32 name, address place) external {
        _at[name] = place;
    }

    function getContract(bytes32 name) external view returns (address) {
        return _at[name];
    }
}

/// A product as GIF v2 knows one, which notes what it is told.
contract MiniProduct {
    GifResponse private _got;
    uint256 public gotFor;
    bytes32 public gotProcess;
    bool public broken;

    function got() external view returns (GifResponse memory) {
        return _got;
    }

    function breakIt() external {
        broken = true;
    }

    function onAnswer(uint256 requestId, bytes32 processId, bytes calldata data) external {
        require(!broken, "broken product");
        (gotFor, gotProcess) = (requestId, processId);
        _got = abi.decode(data, (GifResponse));
    }

    function getName() external pure returns (bytes32) {
        return "Product";
    }

    function getType() external pure returns (uint8) {
        return 1;
    }

    function isProduct() external pure returns (bool) {
        return true;
    }

    function getPolicyFlow() external view returns (address) {
        return address(this);
    }

    function setId(uint256) external {}

    function proposalCallback() external {}

    function approvalCallback() external {}
}

/// The component, query and oracle modules that Etherisc publishes register the oracle, and carry question and answer.
contract GifV2Test is Published {
    bytes32 private constant PROCESS = keccak256("a process");
    uint8 private constant ACTIVE = 3;

    MiniRegistry private registry;
    IComponentModule private components;
    IQueryModule private query;
    MiniProduct private product;
    GifV2Oracle private oracle;
    bytes32 private policyId;

    function setUp() public override {
        super.setUp();
        registry = new MiniRegistry();
        bytes32[5] memory played = [
            bytes32("Access"), "ProductService", "InstanceOperatorService", "ComponentOwnerService", "InstanceService"
        ];
        for (uint256 i = 0; i < played.length; ++i) {
            registry.set(played[i], address(this));
        }
        components = IComponentModule(module("Component", "ComponentController"));
        query = IQueryModule(module("Query", "QueryModule"));
        module("OracleService", "OracleService");
        registry.set("InstanceService", address(components));
        product = new MiniProduct();
        oracle = new GifV2Oracle(verifier, TERMS, registry, "Tocsin", OWNER);
        components.propose(address(product));
        components.approve(1);
        components.propose(address(oracle));
        components.approve(2);
        policyId = oracle.policyIdOf(PROCESS);
    }

    function test_the_oracle_is_registered_and_active() public view {
        vm.assertEq(oracle.getId(), 2, "id");
        vm.assertEq(oracle.getState(), ACTIVE, "state, as the component module has it");
    }

    function test_a_loss_reaches_the_product() public {
        ask(keccak256("another process"));
        uint256 requestId = ask(PROCESS);
        ClaimAttestation memory a = loss(oracle, policyId);
        file(oracle, a);
        vm.assertEq(product.gotFor(), requestId, "request");
        vm.assertEq(product.gotProcess(), PROCESS, "process");
        vm.assertEq(product.got().claimKey, keyOf(a), "claim key");
        vm.assertEq(product.got().payoutFraction, 0.25e18, "fraction");
    }

    function test_a_no_reaches_the_product_when_the_cover_is_over() public {
        ask(PROCESS);
        ClaimAttestation memory a = nothing(oracle, policyId);
        (a.issuedAt, a.windowEnd) = (NOW, NOW);
        fileInBatch(oracle, a);
        vm.assertEq(product.got().policyId, policyId, "policy");
        vm.assertEq(product.got().claimKey, 0, "no claim");
    }

    function test_after_a_cancelled_question_the_next_is_answered() public {
        query.cancel(ask(PROCESS));
        uint256 next = ask(PROCESS);
        ClaimAttestation memory a = loss(oracle, policyId);
        file(oracle, a);
        vm.assertEq(product.gotFor(), next, "request");
    }

    function test_a_claim_waits_for_a_product_that_reverts() public {
        ask(PROCESS);
        product.breakIt();
        ClaimAttestation memory a = loss(oracle, policyId);
        filingRefused(
            oracle, a, abi.encodeWithSignature("Error(string)", "ERROR:QUC-020:PRODUCT_CALLBACK_UNSUCCESSFUL")
        );
    }

    function test_gif_takes_answers_from_its_oracle_only() public {
        uint256 requestId = ask(PROCESS);
        GifV2Oracle stranger = new GifV2Oracle(verifier, TERMS, registry, "Stranger", OWNER);
        vm.prank(address(query));
        stranger.request(requestId, "");
        ClaimAttestation memory a = loss(stranger, policyId);
        filingRefused(stranger, a, abi.encodeWithSignature("Error(string)", "ERROR:QUC-003:ORACLE_NOT_RESPONSIBLE"));
    }

    function ask(bytes32 processId) private returns (uint256) {
        return query.request(processId, "", "onAnswer", address(product), 2);
    }

    function module(bytes32 name, string memory artifact) private returns (address place) {
        bytes memory start = abi.encodeWithSignature("initialize(address)", registry);
        place = deploy("CoreProxy", abi.encode(deploy(artifact, ""), start));
        registry.set(name, place);
    }
}
