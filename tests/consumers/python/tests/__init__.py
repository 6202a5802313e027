"""Tests against a running node and chain, which `cargo xtask consumers` sets up."""
