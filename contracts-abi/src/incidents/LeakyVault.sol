// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// A vault to be attacked. For tests only: it is broken on purpose.
///
/// Three things go wrong with vaults like this one. `sweep` forgets to ask who calls and what is swept, so anybody takes the
/// deposits, and the share price falls. Its owner can pause it, and then nobody gets anything out, while the share price stays
/// where it was. Its owner can also set a fee on leaving that takes everything, which the share price does not show either.
contract LeakyVault is ERC4626, Ownable, Pausable {
    uint256 private constant WHOLE_BPS = 10_000;

    /// The part of the assets that is kept of everybody who leaves.
    uint256 public exitFeeBps;

    constructor(IERC20 asset_) ERC20("Leaky Vault", "LEAK") ERC4626(asset_) Ownable(msg.sender) {}

    /// The flaw: meant for the owner, and for tokens that were sent here by mistake.
    function sweep(IERC20 token, address to) external {
        require(token.transfer(to, token.balanceOf(address(this))), "not sent");
    }

    function pause() external onlyOwner {
        _pause();
    }

    function unpause() external onlyOwner {
        _unpause();
    }

    function setExitFee(uint256 bps) external onlyOwner {
        require(bps <= WHOLE_BPS, "more than everything");
        exitFeeBps = bps;
    }

    /// As the standard wants it: what a redemption gives, its fee deducted. `convertToAssets` knows no fees.
    function previewRedeem(uint256 shares) public view override returns (uint256) {
        uint256 assets = super.previewRedeem(shares);
        return assets - assets * exitFeeBps / WHOLE_BPS;
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares)
        internal
        override
        whenNotPaused
    {
        super._deposit(caller, receiver, assets, shares);
    }

    function _withdraw(address caller, address receiver, address owner, uint256 assets, uint256 shares)
        internal
        override
        whenNotPaused
    {
        super._withdraw(caller, receiver, owner, assets, shares);
    }
}
