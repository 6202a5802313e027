//! stub

/// Stub.
pub fn zone_exists(name: &str) -> bool {
    matches!(name, "America/New_York" | "UTC")
}
