//! Servers on this machine that answer correctly, wrongly or not at all.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Nothing listens on port 1, and the system never assigns it to another test.
pub(super) const DEAD_MIRROR: &str = "http://127.0.0.1:1/";

/// Answers a request, given its path, and hangs up.
pub(super) type Handler = Box<dyn Fn(&str, &mut TcpStream) + Send>;

/// An HTTP server that gives one answer to each of a fixed number of requests.
pub(super) struct Server {
    address: SocketAddr,
    requests: Receiver<String>,
}

impl Server {
    pub(super) fn start(requests: usize, answer: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = mpsc::channel();
        // The listener closes when the thread ends: further requests are refused, as by a dead server.
        thread::spawn(move || {
            for _ in 0..requests {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let Some(path) = read_request(&stream) else { continue };
                // Recorded before the answer is sent, so that a client that has the answer finds the record.
                let _ = sender.send(path.clone());
                answer(&path, &mut stream);
            }
        });
        Self { address, requests: receiver }
    }

    pub(super) fn mirror(&self) -> String {
        format!("http://{}/data/", self.address)
    }

    /// Paths of the requests since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        self.requests.try_iter().collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
    Some(path)
}

pub(super) fn send(stream: &mut TcpStream, status: &str, header: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{header}\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

pub(super) fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}\r\n")
}

pub(super) fn serving(body: Vec<u8>) -> Handler {
    Box::new(move |_, stream| send(stream, "200 OK", &length(body.len()), &body))
}

/// Announces the length of the whole body but sends only half of it.
pub(super) fn cutting(body: Vec<u8>) -> Handler {
    Box::new(move |_, stream| send(stream, "200 OK", &length(body.len()), &body[..body.len() / 2]))
}

pub(super) fn missing() -> Handler {
    Box::new(|_, stream| send(stream, "404 Not Found", &length(9), b"not found"))
}
