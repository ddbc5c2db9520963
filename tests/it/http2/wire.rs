//! A connection over which a script is played: everything is sent as it stands, and everything that comes is read
//! at once, so that nobody waits for anybody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::frames::Frame;
use super::hpack::Decoder;
use super::script::{Step, Words, Writer, parse};

/// What HTTP/2 is spoken over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Longer than any deadline that is not the case's own.
const PATIENCE: Duration = Duration::from_secs(20);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const SETTINGS_ACK: [u8; 9] = [0, 0, 0, 4, 1, 0, 0, 0, 0];
/// How much is written at once.
const PIECE: usize = 64 * 1024;

/// How a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// With the preface and SETTINGS, and an acknowledgment of the server's.
    Whole,
    /// With nothing: the script says it all.
    Nothing,
}

pub(super) struct Wire<'w> {
    to: WriteHalf<Box<dyn Io>>,
    from: mpsc::UnboundedReceiver<Frame>,
    reader: JoinHandle<()>,
    writer: Writer<'w>,
    decoder: Decoder,
    /// A list of fields that has not ended, with its stream.
    block: Vec<u8>,
    statuses: BTreeMap<u32, String>,
    ended: BTreeSet<u32>,
    is_closed: bool,
    /// Whether nothing can be sent any more.
    is_broken: bool,
    /// Whether the last thing that was waited for was the end.
    is_over: bool,
    /// The last frames that came, for messages.
    seen: VecDeque<String>,
    n_alive: u64,
}

/// Plays a script on a connection.
pub(super) async fn play(
    io: Box<dyn Io>,
    words: &Words,
    opening: Opening,
    script: &str,
    scale: usize,
) -> Result<(), String> {
    let steps = parse(script)?;
    let mut wire = Wire::open(io, words);
    if opening == Opening::Whole {
        wire.send(&[PREFACE, &SETTINGS].concat()).await;
        wire.expect(&["SETTINGS".to_owned()]).await?;
        wire.send(&SETTINGS_ACK).await;
    }
    let ends_itself = matches!(steps.last(), Some(Step::Expect(last)) if last == &["done"]);
    for step in &steps {
        let played = wire.step(step, scale).await;
        played.map_err(|e| format!("{e}\n  at {step:?}\n  after {:?}", wire.seen))?;
    }
    if !wire.is_over && !ends_itself {
        let alive = wire.expect(&["alive".to_owned()]).await;
        alive.map_err(|e| format!("{e}, after the script\n  after {:?}", wire.seen))?;
    }
    Ok(())
}

impl Drop for Wire<'_> {
    fn drop(&mut self) {
        // Else its half would keep the connection open.
        self.reader.abort();
    }
}

impl<'w> Wire<'w> {
    fn open(io: Box<dyn Io>, words: &'w Words) -> Self {
        let (mut read, to) = tokio::io::split(io);
        let (told, from) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let mut held = Vec::new();
            let mut buffer = vec![0; PIECE];
            // A reset is an end, too.
            while let Ok(n @ 1..) = read.read(&mut buffer).await {
                held.extend_from_slice(&buffer[..n]);
                let mut begin = 0;
                while let Some((frame, length)) = Frame::read(&held[begin..]) {
                    begin += length;
                    if told.send(frame).is_err() {
                        return;
                    }
                }
                held.drain(..begin);
            }
        });
        Self {
            to,
            from,
            reader,
            writer: Writer::new(words),
            decoder: Decoder::default(),
            block: Vec::new(),
            statuses: BTreeMap::new(),
            ended: BTreeSet::new(),
            is_closed: false,
            is_broken: false,
            is_over: false,
            seen: VecDeque::new(),
            n_alive: 0,
        }
    }

    async fn step(&mut self, step: &Step, scale: usize) -> Result<(), String> {
        match step {
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Step::Expect(alternatives) => self.expect(alternatives).await?,
            Step::Send { times, frames } => {
                let times = if *times > 1000 { times * scale } else { *times };
                let mut bytes = Vec::new();
                for _ in 0..times {
                    for frame in frames {
                        bytes.append(&mut self.writer.frame(frame)?);
                    }
                    if bytes.len() >= PIECE {
                        self.send(&bytes).await;
                        bytes.clear();
                        // Nobody listens any more, and streams have numbers that end.
                        if self.is_broken {
                            return Ok(());
                        }
                    }
                }
                self.send(&bytes).await;
            }
        }
        Ok(())
    }

    /// Sends bytes, if that is still possible: whoever was thrown out learns why from what came.
    async fn send(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        let sent = async {
            self.to.write_all(bytes).await?;
            self.to.flush().await
        };
        let sent = tokio::time::timeout(PATIENCE, sent).await;
        self.is_broken = !matches!(sent, Ok(Ok(())));
    }

    async fn next(&mut self, until: Instant) -> Result<Option<Frame>, String> {
        let left = until.saturating_duration_since(Instant::now());
        let frame = tokio::time::timeout(left, self.from.recv()).await;
        let frame = frame.map_err(|_| "nothing came".to_owned())?;
        let Some(frame) = frame else {
            self.is_closed = true;
            return Ok(None);
        };
        if self.seen.len() == 12 {
            self.seen.pop_front();
        }
        self.seen.push_back(frame.told());
        self.note(&frame)?;
        Ok(Some(frame))
    }

    /// Reads the fields of a frame, and whether its stream ends.
    fn note(&mut self, frame: &Frame) -> Result<(), String> {
        if frame.is("HEADERS") || frame.is("CONTINUATION") {
            // Answers are neither padded nor prioritized.
            self.block.extend_from_slice(&frame.payload);
            if frame.flags & 4 != 0 {
                let block = std::mem::take(&mut self.block);
                let fields = self.decoder.read(&block);
                let fields = fields.map_err(|e| format!("unreadable fields: {e}"))?;
                let status = fields.into_iter().find(|(name, _)| name == b":status");
                if let Some((_, status)) = status {
                    let status = String::from_utf8_lossy(&status).into_owned();
                    self.statuses.insert(frame.stream, status);
                }
            }
        }
        if frame.ends_stream() {
            self.ended.insert(frame.stream);
        }
        Ok(())
    }

    async fn expect(&mut self, alternatives: &[String]) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        if alternatives == ["done"] {
            return Ok(());
        }
        let mut pong = None;
        if alternatives.iter().any(|one| one == "alive") {
            self.n_alive += 1;
            let payload = (0xa11e_0000 + self.n_alive).to_be_bytes();
            let mut ping = vec![0, 0, 8, 6, 0, 0, 0, 0, 0];
            ping.extend(payload);
            self.send(&ping).await;
            pong = Some(payload.to_vec());
        }
        loop {
            for one in alternatives {
                if self.holds(one)? {
                    return Ok(());
                }
            }
            if self.is_closed {
                return Err("the connection was closed".to_owned());
            }
            let Some(frame) = self.next(until).await? else {
                continue;
            };
            if pong.as_ref() == Some(&frame.payload) && frame.is("PING") && frame.is_ack() {
                return Ok(());
            }
            for one in alternatives {
                if matches(&frame, one)? {
                    if frame.is("GOAWAY") {
                        while !self.is_closed {
                            self.next(until)
                                .await
                                .map_err(|_| "said GOAWAY and did not go".to_owned())?;
                        }
                        self.is_over = true;
                    }
                    return Ok(());
                }
            }
            self.refuse(&frame, alternatives)?;
        }
    }

    /// Whether something that was waited for has come before.
    fn holds(&mut self, one: &str) -> Result<bool, String> {
        let words: Vec<&str> = one.split_whitespace().collect();
        let number = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| format!("no stream: {text}"))
        };
        match words[..] {
            ["closed"] if self.is_closed => {
                self.is_over = true;
                Ok(true)
            }
            ["end", stream] => Ok(self.ended.contains(&number(stream)?)),
            ["status", stream, wanted] => match self.statuses.get(&number(stream)?) {
                Some(status) if is_status(status, wanted) => Ok(true),
                Some(status) => Err(format!("status {status}")),
                None => Ok(false),
            },
            _ => Ok(false),
        }
    }

    /// Whether a frame that is not waited for may come meanwhile.
    fn refuse(&self, frame: &Frame, alternatives: &[String]) -> Result<(), String> {
        let wants = |what: &str| alternatives.iter().any(|one| one.starts_with(what));
        let is_in_order = match frame.name() {
            // An early answer tells that no more of the request is read (RFC 9113, section 8.1).
            "RST_STREAM" => wants("closed") || frame.error() == Some("NO_ERROR"),
            "GOAWAY" => wants("closed"),
            // A stream that has ended is not reset any more.
            "HEADERS" | "DATA" if frame.ends_stream() && wants("RST_STREAM") => {
                !wants(&format!("RST_STREAM {} ", frame.stream))
            }
            "DATA" => !wants("DATA") || frame.payload.is_empty(),
            _ => true,
        };
        match is_in_order {
            true => Ok(()),
            false => Err(format!("came {}", frame.told())),
        }
    }
}

/// Whether a frame is what is waited for.
fn matches(frame: &Frame, one: &str) -> Result<bool, String> {
    let words: Vec<&str> = one.split_whitespace().collect();
    let is_error = |codes: &str| {
        let error = frame.error().unwrap_or_default();
        codes == "*" || codes.split('|').any(|code| code == error)
    };
    Ok(match words[..] {
        ["GOAWAY", codes] => frame.is("GOAWAY") && is_error(codes),
        ["RST_STREAM", stream, codes] => {
            frame.is("RST_STREAM") && is_stream(frame, stream) && is_error(codes)
        }
        ["PING", "ACK"] => frame.is("PING") && frame.is_ack(),
        ["PING", "ACK", payload] => {
            frame.is("PING") && frame.is_ack() && frame.payload == super::frames::hex(payload)?
        }
        ["SETTINGS"] => frame.is("SETTINGS"),
        ["SETTINGS", "ACK"] => frame.is("SETTINGS") && frame.is_ack(),
        ["DATA", stream, length] => {
            let length = length.strip_prefix("length:");
            let length = length.and_then(|n| n.parse::<usize>().ok());
            frame.is("DATA") && is_stream(frame, stream) && Some(frame.payload.len()) == length
        }
        ["status" | "end", ..] | ["closed" | "alive"] => false,
        _ => return Err(format!("not something to wait for: {one}")),
    })
}

fn is_stream(frame: &Frame, stream: &str) -> bool {
    stream.parse() == Ok(frame.stream)
}

fn is_status(status: &str, wanted: &str) -> bool {
    wanted.split('|').any(|one| match one {
        "*" => true,
        "4xx" => status.starts_with('4'),
        "5xx" => status.starts_with('5'),
        one => one == status,
    })
}
