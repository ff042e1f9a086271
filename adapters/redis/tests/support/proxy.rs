//! A proxy in front of a server that cuts connections on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The outcome of the next command.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// The command and its response pass.
    None = 0,
    /// The connection ends before the server receives the command.
    Before = 1,
    /// The connection ends after the server has received the command and before the response is back.
    After = 2,
    /// The server receives the command, and the response never arrives.
    Silence = 3,
}

/// A proxy. Every cut happens once.
pub struct Proxy {
    pub address: SocketAddr,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicU8::new(Cut::None as u8));
        let shared = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&shared)));
            }
        });
        Self { address, cut }
    }

    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Sets the outcome of the next command.
    pub fn cut_next(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, cut: Arc<AtomicU8>) {
    let (mut command, mut result) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut command) => {
                let Ok(length @ 1..) = read else { return };
                let cut = cut.swap(Cut::None as u8, Ordering::SeqCst);
                if cut == Cut::Before as u8 {
                    return;
                }
                server.write_all(&command[..length]).await.unwrap();
                if cut == Cut::After as u8 || cut == Cut::Silence as u8 {
                    // A server that has responded has carried the command out.
                    assert!(server.read(&mut result).await.unwrap() > 0);
                }
                if cut == Cut::After as u8 {
                    return;
                }
            }
            read = server.read(&mut result) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&result[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
