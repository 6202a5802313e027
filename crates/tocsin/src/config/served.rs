//! What `tocsin serve` needs of a configuration: the database, who may call, and where.
//!
//! Everything else may stand in the file, as in that of the service, or not: its keys are checked and what they name is not
//! opened, so that whoever serves needs no key that signs and no address of an endpoint.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tocsin_api::auth::AuthSettings;
use url::Url;

use super::file::{ApiSection, ConfigFile};
use super::{ApiConfig, ConfigError, invalid};

/// Everything that `tocsin serve` needs, checked.
#[derive(Debug)]
pub struct Served {
    /// The database file.
    pub database: PathBuf,
    /// Where the API listens.
    pub api: ApiConfig,
    /// Who may call.
    pub auth: AuthSettings,
    /// The collector that traces are sent to, if there is one.
    pub traces: Option<Url>,
}

impl Served {
    /// Reads a configuration; nothing is contacted and nothing is written. `listen` comes before what it says.
    pub fn load(path: &Path, listen: Option<SocketAddr>) -> Result<Self, ConfigError> {
        let file = ConfigFile::read(path)?;
        let base = path.parent().unwrap_or(Path::new("."));
        let api = match (file.api, listen) {
            (Some(api), Some(listen)) => ApiSection { listen, ..api },
            (Some(api), None) => api,
            (None, Some(listen)) => ApiSection::at(listen),
            (None, None) => {
                return Err(invalid(
                    path,
                    "there is no [api] listen, which says where to serve: write one, or name an address with --listen"
                        .to_owned(),
                ));
            }
        };
        let auth = file.auth.map(|auth| auth.resolve(path, base)).transpose()?;
        let traces = file.telemetry.resolve();
        Ok(Self {
            database: base.join(file.database),
            api: api.resolve(path)?,
            auth: auth.unwrap_or_default(),
            traces: traces.map_err(|problem| invalid(path, problem))?,
        })
    }
}
