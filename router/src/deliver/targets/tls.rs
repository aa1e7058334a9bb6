//! [`Tls`]: how servers prove who they are, by the system's certificates.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::ConnectError;

/// The TLS settings of all targets, made when the first of them needs them: reading the system's certificates costs
/// time and memory, and some container images have none.
#[derive(Default)]
pub(super) struct Tls {
    made: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Returns settings that know servers by the system's certificates.
    pub(super) fn system(&mut self) -> Result<Arc<ClientConfig>, ConnectError> {
        if let Some(made) = &self.made {
            return Ok(Arc::clone(made));
        }
        let made = builder()
            .and_then(|builder| Ok(builder.with_platform_verifier()?.with_no_client_auth()))
            .map_err(ConnectError::Tls)?;
        Ok(Arc::clone(self.made.insert(offering_h2(made))))
    }

    /// Returns settings that know no server, for targets without TLS.
    pub(super) fn none() -> Result<Arc<ClientConfig>, ConnectError> {
        Self::trusting(RootCertStore::empty())
    }

    /// Returns settings that know servers by these certificates alone.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, ConnectError> {
        let builder = builder().map_err(ConnectError::Tls)?;
        Ok(offering_h2(builder.with_root_certificates(roots).with_no_client_auth()))
    }

    #[cfg(test)]
    pub(super) fn with(made: Arc<ClientConfig>) -> Self {
        Self { made: Some(made) }
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
}

fn offering_h2(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}
