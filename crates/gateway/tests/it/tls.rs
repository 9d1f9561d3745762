//! TLS on both sides, over real sockets, with certificates that are made here.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use stillmark_gateway::tls::{Certificate, Roots, TlsError};
use stillmark_gateway::{Live, Target};

use crate::behind::{Behind, Front, body, json, status};
use crate::traps::wait_for;

const ASK: &str = r#"{"model":"m","messages":[]}"#;

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn certificate(&self, name: &str) -> Certificate {
        let (chain, key) = self.issue(name);
        Certificate::new(chain.as_bytes(), key.as_bytes()).unwrap()
    }
}

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts an authority.
fn client(authority: &Authority, address: SocketAddr, name: &str) -> Client {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(connection, stream)
}

fn asked(mut client: Client, request: &str) -> std::io::Result<String> {
    client.write_all(request.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    // An end without the word that it is one is no harm: the length says what is whole.
    let _ = client.read_to_end(&mut answer);
    assert_eq!(client.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    Ok(String::from_utf8(answer).unwrap())
}

#[test]
fn clients_are_answered_over_tls_alone_and_see_a_new_certificate_at_once() {
    let behind = Behind::new(vec![vec![json("200 OK", "{}")]]);
    let front = Front::new(behind.address, "head_seconds = 1", "");
    let (old, new) = (Authority::new(), Authority::new());
    front.gateway.set_certificate(old.certificate("gateway.example"));
    let answer = asked(client(&old, front.address, "gateway.example"), &front.chat(ASK)).unwrap();
    assert_eq!((status(&answer), body(&answer).as_str()), (200, "{}"));
    // What is framed in two ways is refused here as it is without TLS.
    let twice = front.chat(ASK).replacen("host: gateway", "host: a\r\nhost: b", 1);
    assert_eq!(status(&asked(client(&old, front.address, "gateway.example"), &twice).unwrap()), 400);
    assert!(asked(client(&old, front.address, "other.example"), &front.chat(ASK)).is_err());
    assert!(asked(client(&new, front.address, "gateway.example"), &front.chat(ASK)).is_err());
    assert!(!front.ask(&front.chat(ASK)).contains("200 OK"));
    front.gateway.set_certificate(new.certificate("gateway.example"));
    let answer = asked(client(&new, front.address, "gateway.example"), &front.chat(ASK)).unwrap();
    assert_eq!(status(&answer), 200);
    assert_eq!(behind.requests.lock().unwrap().len(), 2);
}

#[test]
fn who_is_slow_with_the_handshake_is_counted_and_hung_up_on() {
    let behind = Behind::new(vec![vec![json("200 OK", "{}")]]);
    let front = Front::new(behind.address, "head_seconds = 1\nconnections_per_address = 2", "");
    let authority = Authority::new();
    front.gateway.set_certificate(authority.certificate("localhost"));
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = (0..2).map(|_| front.connect()).collect();
    slow[0].write_all(&[0x16, 3, 1]).unwrap();
    wait_for(|| front.gateway.metrics_text().contains("stillmark_connections 2\n"));
    assert!(asked(client(&authority, front.address, "localhost"), &front.chat(ASK)).is_err());
    for stream in &mut slow {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    wait_for(|| front.gateway.metrics_text().contains("stillmark_connections 0\n"));
    let answer = asked(client(&authority, front.address, "localhost"), &front.chat(ASK)).unwrap();
    assert_eq!(status(&answer), 200);
}

/// A server behind that speaks TLS and answers every request with `{}`.
fn behind_tls(authority: &Authority, name: &str) -> SocketAddr {
    let (chain, key) = authority.issue(name);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            std::thread::spawn(move || {
                let (mut seen, mut byte) = (Vec::new(), [0]);
                while stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    seen.push(byte[0]);
                    if seen.ends_with(ASK.as_bytes()) {
                        assert!(seen.starts_with(b"POST /prefix/v1/chat/completions HTTP/1.1\r\n"));
                        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
                        stream.write_all(answer.as_bytes()).unwrap();
                        seen.clear();
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_server_behind_is_believed_by_its_certificate_alone() {
    let (authority, other) = (Authority::new(), Authority::new());
    let address = behind_tls(&authority, "localhost");
    let front = Front::new(address, "", "retries = 0");
    let private = |authority: &Authority| Roots::private(authority.pem().as_bytes()).unwrap();
    let asked_with = |host: &str, roots: Roots| {
        let before = front.gateway.live();
        let mut upstreams = before.upstreams.clone();
        upstreams[0].target = Target::Https(format!("https://{host}:{}/prefix", address.port()), roots);
        front.gateway.set_live(Live { config: before.config.clone(), upstreams, offer: None });
        status(&front.ask(&front.chat(ASK)))
    };
    assert_eq!(asked_with("localhost", private(&authority)), 200);
    assert_eq!(asked_with("localhost", private(&other)), 502);
    assert_eq!(asked_with("localhost", Roots::public().unwrap()), 502);
    // The certificate is another host's.
    assert_eq!(asked_with("127.0.0.1", private(&authority)), 502);
    assert_eq!(asked_with("localhost", private(&authority)), 200);
}

#[test]
fn what_is_no_certificate_is_said_to_be_none() {
    let authority = Authority::new();
    let (chain, key) = authority.issue("localhost");
    let (_, other) = authority.issue("localhost");
    let problem = |chain: &str, key: &str| Certificate::new(chain.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(matches!(problem("", &key), TlsError::NoCertificate));
    assert!(matches!(problem(&key, &key), TlsError::NoCertificate));
    assert!(matches!(problem(&chain, &chain), TlsError::NoKey));
    assert!(matches!(problem(&chain, &other), TlsError::Unusable(_)));
    assert!(matches!(Roots::private(b"nothing"), Err(TlsError::NoCertificate)));
}
