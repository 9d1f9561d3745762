//! Listening: connections, their bounds, and their end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use crate::gateway::Gateway;
use crate::proxy::Worker;
use crate::strict::Strict;
use crate::wire::framing::MOST_FIELDS;

/// Sockets that listen at one address, one for each thread.
#[derive(Debug)]
pub struct Listeners {
    sockets: Vec<Socket>,
    /// The address, with its port.
    pub address: SocketAddr,
}

/// Listens at an address, once for each of so many threads.
///
/// # Errors
/// Where the address cannot be had.
pub fn listen(address: SocketAddr, threads: usize) -> io::Result<Listeners> {
    let mut sockets = Vec::new();
    let mut bound = address;
    for _ in 0..threads.max(1) {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        if threads > 1 {
            socket.set_reuse_port(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&bound.into())?;
        socket.listen(1024)?;
        if let Some(own) = socket.local_addr()?.as_socket() {
            bound = own;
        }
        sockets.push(socket);
    }
    Ok(Listeners { sockets, address: bound })
}

/// How many connections there are, and from where.
#[derive(Debug, Default)]
struct Connections {
    from: Mutex<(usize, BTreeMap<IpAddr, usize>)>,
}

/// A connection that counts until it is dropped.
struct Counted {
    connections: Arc<Connections>,
    gateway: Arc<Gateway>,
    from: IpAddr,
}

impl Connections {
    fn count(self: &Arc<Self>, gateway: &Arc<Gateway>, from: IpAddr) -> Option<Counted> {
        let mut all = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let live = gateway.live();
        let server = &live.config.server;
        let (total, by_address) = &mut *all;
        let own = by_address.entry(from).or_default();
        if *total >= server.connections || *own >= server.connections_per_address {
            return None;
        }
        *total += 1;
        *own += 1;
        gateway.metrics.connection(1);
        Some(Counted { connections: Arc::clone(self), gateway: Arc::clone(gateway), from })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.connections.from.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *all;
        *total -= 1;
        if let Some(own) = by_address.get_mut(&self.from) {
            *own -= 1;
            if *own == 0 {
                by_address.remove(&self.from);
            }
        }
        self.gateway.metrics.connection(-1);
    }
}

/// Answers until the gateway is closed and everything begun is answered, or time is up.
///
/// # Errors
/// Where a thread or its event loop cannot be started.
pub fn serve(gateway: &Arc<Gateway>, listeners: Listeners) -> io::Result<()> {
    let connections = Arc::new(Connections::default());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = gateway.receipts.as_ref().map(|receipts| {
            let write = || receipts.write(|| is_over.load(Ordering::Acquire)).map_err(io::Error::other);
            std::thread::Builder::new().name("receipts".to_owned()).spawn_scoped(scope, write)
        });
        let answered = threads(gateway, &connections, listeners);
        is_over.store(true, Ordering::Release);
        let written = writer.transpose()?.map_or(Ok(()), |writer| writer.join().unwrap_or_else(ended));
        answered.and(written)
    })
}

fn ended(_: Box<dyn std::any::Any + Send>) -> io::Result<()> {
    Err(io::Error::other("a thread of the gateway ended"))
}

/// Answers on every listener, and waits until all are done.
fn threads(gateway: &Arc<Gateway>, connections: &Arc<Connections>, listeners: Listeners) -> io::Result<()> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (idx, socket) in listeners.sockets.into_iter().enumerate() {
            let thread = std::thread::Builder::new().name(format!("gateway-{idx}"));
            threads.push(thread.spawn_scoped(scope, move || work(gateway, connections, socket))?);
        }
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(ended))
    })
}

fn work(gateway: &Arc<Gateway>, connections: &Arc<Connections>, socket: Socket) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let listener = TcpListener::from_std(socket.into())?;
        let worker = Rc::new(Worker::new(Arc::clone(gateway)));
        let mut closing = gateway.closing();
        let open = Rc::new(tokio::sync::Semaphore::new(0));
        let mut begun = 0_u32;
        loop {
            let (stream, from) = tokio::select! {
                accepted = listener.accept() => {
                    let Ok(accepted) = accepted else {
                        // Out of descriptors, or a client that was gone already: the next one may be fine.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    };
                    accepted
                }
                _ = closing.wait_for(|closing| *closing) => break,
            };
            let Some(counted) = connections.count(gateway, from.ip().to_canonical()) else { continue };
            begun += 1;
            let (worker, open) = (Rc::clone(&worker), Rc::clone(&open));
            tokio::task::spawn_local(async move {
                connection(worker, stream, &counted).await;
                open.add_permits(1);
            });
        }
        drop(listener);
        let grace = Duration::from_secs(gateway.live().config.server.shutdown_seconds);
        if tokio::time::timeout(grace, open.acquire_many(begun)).await.is_err() {
            gateway.cut();
            // Streams notice within a second, and say why they end.
            let _ = tokio::time::timeout(Duration::from_secs(3), open.acquire_many(begun)).await;
        }
        if let Some(link) = &worker.link {
            link.finish().await;
        }
        Ok(())
    })
}

async fn connection(worker: Rc<Worker>, stream: TcpStream, counted: &Counted) {
    let from = counted.from;
    let gateway = Arc::clone(&worker.gateway);
    let head_time = Duration::from_secs(gateway.live().config.server.head_seconds);
    // A socket that takes no option is answered all the same.
    let _ = stream.set_nodelay(true);
    let Some(certificate) = gateway.certificate() else {
        if gateway.live().config.server.tls.is_none() {
            answered(worker, stream, from, head_time).await;
        }
        return;
    };
    // A handshake is part of the head: who is slow with it is hung up on.
    let handshake = TlsAcceptor::from(Arc::clone(&certificate.0)).accept(stream);
    if let Ok(Ok(stream)) = tokio::time::timeout(head_time, handshake).await {
        answered(worker, stream, from, head_time).await;
    }
}

/// Answers what comes over a connection, until it ends.
async fn answered<S>(worker: Rc<Worker>, stream: S, from: IpAddr, head_time: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let gateway = Arc::clone(&worker.gateway);
    let service = service_fn(move |request| {
        let worker = Rc::clone(&worker);
        async move { Ok::<_, Infallible>(worker.answer(from, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_headers(MOST_FIELDS)
        .half_close(false)
        .serve_connection(TokioIo::new(Strict::new(stream)), service);
    let mut connection = std::pin::pin!(connection);
    let mut closing = gateway.closing();
    tokio::select! {
        // What goes wrong with a connection is the client's affair; what it was told is in the metrics.
        _ = connection.as_mut() => {}
        _ = closing.wait_for(|closing| *closing) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
