//! TLS on both sides: the certificate that clients are shown, and what certificates of servers behind must go back to.
//!
//! rustls with ring; TLS 1.2 and 1.3. Nothing turns verification off. Files are read by the front door, not here.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// HTTP/1.1, which is all that is spoken.
const PROTOCOL: &[u8] = b"http/1.1";

/// Why TLS cannot be spoken with what was given.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It holds no certificate in PEM, or one that cannot be read.
    #[error("it holds no certificate that can be read (PEM, `BEGIN CERTIFICATE`)")]
    NoCertificate,
    /// It holds no private key in PEM.
    #[error("it holds no private key that can be read (PEM, `BEGIN PRIVATE KEY`)")]
    NoKey,
    /// The two do not belong together, or are of a kind that is not spoken.
    #[error("the certificate cannot be used with its key")]
    Unusable(#[source] rustls::Error),
}

/// The certificate that clients are shown, with its key.
#[derive(Clone)]
pub struct Certificate(pub(crate) Arc<ServerConfig>);

/// What the certificates of a server behind must go back to.
#[derive(Clone)]
pub struct Roots(pub(crate) Arc<ClientConfig>);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate(…)")
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Roots(…)")
    }
}

impl Certificate {
    /// A chain of certificates, the server's own first, and its key.
    ///
    /// # Errors
    /// Where they cannot be read, or do not belong together.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let mut config =
            config.with_no_client_auth().with_single_cert(chain, key).map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

impl Roots {
    /// The public authorities, as Mozilla's programs trust them.
    ///
    /// # Errors
    /// Where TLS cannot be spoken at all.
    pub fn public() -> Result<Self, TlsError> {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self::of(roots)
    }

    /// Authorities of one's own, and no others.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn private(authorities: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(authorities)? {
            roots.add(certificate).map_err(TlsError::Unusable)?;
        }
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// The name that a server at `HOST[:PORT]` must have in its certificate.
pub(crate) fn name_of(authority: &str) -> Option<ServerName<'static>> {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    ServerName::try_from(host.to_owned()).ok()
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(TlsError::NoCertificate)
}
