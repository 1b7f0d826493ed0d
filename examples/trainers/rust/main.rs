//! A trainer for starlings in Rust without crates: two numbers a line and the class, 0 or 1, learned by logistic regression.
//!
//!     rustc --edition 2021 -O -o points examples/trainers/rust/main.rs && starlings trainer check ./points --data points.csv
//!
//! docs/TRAINERS.md describes what it speaks.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::path::PathBuf;
use std::process::exit;
use std::sync::mpsc::{channel, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

const PARAMETERS: usize = 3;
const BATCH: u64 = 16;
const FRAME_MAX: usize = 1 << 20;

/// What CBOR carries between a node and a trainer.
#[derive(Clone, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Int(u64),
    Negative(u64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Map(Fields),
}
use Value::*;

type Fields = BTreeMap<String, Value>;

/// Code and message of an error that the node is told.
struct Failure(&'static str, String);

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure("failed", error.to_string())
    }
}

fn text(value: &str) -> Value {
    Text(value.to_string())
}

fn number(value: f64) -> Value {
    // Floats only where they are no whole numbers.
    if value >= 0.0 && value.trunc() == value && value < 9e15 {
        Int(value as u64)
    } else {
        Float(value)
    }
}

fn head(major: u8, value: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend([major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend((value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(value.to_be_bytes());
        }
    }
}

/// Canonical CBOR: shortest integers, keys shortest first.
fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Null => out.push(0xf6),
        Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Int(value) => head(0, *value, out),
        Negative(value) => head(1, *value, out),
        Float(value) => {
            out.push(0xfb);
            out.extend(value.to_be_bytes());
        }
        Text(value) => {
            head(3, value.len() as u64, out);
            out.extend(value.as_bytes());
        }
        List(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| encode(item, out));
        }
        Map(fields) => {
            head(5, fields.len() as u64, out);
            let mut pairs: Vec<_> = fields.iter().collect();
            pairs.sort_by_key(|(key, _)| key.len());
            for (key, item) in pairs {
                encode(&text(key), out);
                encode(item, out);
            }
        }
    }
}

fn decode(data: &mut &[u8]) -> Value {
    let (major, info) = (data[0] >> 5, data[0] & 31);
    *data = &data[1..];
    let mut size = info as u64;
    if info >= 24 {
        let width = 1 << (info - 24);
        size = data[..width].iter().fold(0, |sum, byte| sum << 8 | *byte as u64);
        *data = &data[width..];
    } else if major == 7 {
        return if info == 22 { Null } else { Bool(info == 21) };
    }
    match major {
        0 => Int(size),
        1 => Negative(size),
        2 | 3 => {
            let (bytes, rest) = data.split_at(size as usize);
            *data = rest;
            Text(String::from_utf8_lossy(bytes).into_owned())
        }
        4 => List((0..size).map(|_| decode(data)).collect()),
        5 => Map((0..size)
            .map(|_| match decode(data) {
                Text(key) => (key, decode(data)),
                _ => exit(1),
            })
            .collect()),
        _ => Float(f64::from_bits(size)),
    }
}

/// SHA-256 (FIPS 180-4), in hexadecimal digits. Its constants are the first bits of roots of the first primes.
fn sha256(data: &[u8]) -> String {
    let primes: Vec<u64> = (2u64..312).filter(|n| (2..*n).all(|d| n % d != 0)).collect();
    let fraction = |root: f64| ((root - root.floor()) * 4_294_967_296.0) as u32;
    let mut hash: Vec<u32> = primes[..8].iter().map(|p| fraction((*p as f64).sqrt())).collect();
    let rounds: Vec<u32> = primes.iter().map(|p| fraction((*p as f64).cbrt())).collect();
    let mut padded = data.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((8 * data.len() as u64).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> = block
            .chunks(4)
            .map(|four| u32::from_be_bytes(four.try_into().unwrap()))
            .collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut s: VecDeque<u32> = hash.iter().copied().collect();
        for i in 0..64 {
            let (a, e) = (s[0], s[4]);
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & s[5]) ^ (!e & s[6]);
            let t1 = s[7]
                .wrapping_add(s1)
                .wrapping_add(choice)
                .wrapping_add(rounds[i])
                .wrapping_add(w[i]);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
            s.pop_back();
            s.push_front(t1.wrapping_add(s0).wrapping_add(majority));
            s[4] = s[4].wrapping_add(t1);
        }
        hash.iter_mut().zip(s).for_each(|(h, s)| *h = h.wrapping_add(s));
    }
    hash.iter().map(|word| format!("{word:08x}")).collect()
}

type Point = ([f64; 2], f64);
type Weights = [f64; PARAMETERS];

struct Trainer {
    answers: File,
    cancelled: Arc<Mutex<Vec<u64>>>,
    folder: PathBuf,
    rate: f64,
    learned: Vec<Point>,
    held_out: Vec<Point>,
}

fn probability(w: &Weights, (x, _): &Point) -> f64 {
    1.0 / (1.0 + (-(w[0] * x[0] + w[1] * x[1] + w[2])).exp())
}

fn loss_of(w: &Weights, point: &Point) -> f64 {
    let p = probability(w, point);
    -(if point.1 == 1.0 { p } else { 1.0 - p }).max(1e-12).ln()
}

fn mean_loss(w: &Weights, points: &[Point]) -> f64 {
    points.iter().map(|point| loss_of(w, point)).sum::<f64>() / points.len() as f64
}

/// A number of the stream: the same for the same name.
fn draw(stream: &str, step: u64, index: u64, limit: usize) -> usize {
    let hash = sha256(format!("{stream}/{step}/{index}").as_bytes());
    u64::from_str_radix(&hash[..8], 16).unwrap() as usize % limit
}

fn field<'a>(request: &'a Fields, name: &str) -> &'a str {
    match request.get(name) {
        Some(Text(value)) => value,
        _ => "",
    }
}

fn amount(request: &Fields, name: &str) -> f64 {
    match request.get(name) {
        Some(Int(value)) => *value as f64,
        Some(Float(value)) => *value,
        _ => 0.0,
    }
}

impl Trainer {
    fn say(&mut self, id: u64, op: &str, mut fields: Fields) {
        fields.extend([
            ("v".into(), Int(1)),
            ("id".into(), Int(id)),
            ("op".into(), text(op)),
        ]);
        let mut body = Vec::new();
        encode(&Map(fields), &mut body);
        let frame = [&(body.len() as u32).to_be_bytes()[..], &body].concat();
        if self.answers.write_all(&frame).is_err() {
            exit(0);
        }
    }

    fn load(&self, name: &str) -> Result<Weights, Failure> {
        let data = fs::read(self.folder.join(name))?;
        let numbers = data
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()) as f64);
        numbers.collect::<Vec<_>>().try_into().map_err(|wrong: Vec<f64>| {
            Failure(
                "failed",
                format!(
                    "the model has {PARAMETERS} parameters, the vector {}",
                    wrong.len()
                ),
            )
        })
    }

    fn store(&self, name: &str, weights: &Weights) -> Result<Fields, Failure> {
        let data: Vec<u8> = weights
            .iter()
            .flat_map(|value| (*value as f32).to_le_bytes())
            .collect();
        let draft = self.folder.join(format!("{name}.tmp"));
        fs::write(&draft, &data)?;
        fs::rename(draft, self.folder.join(name))?;
        Ok(Fields::from([
            ("length".into(), Int(PARAMETERS as u64)),
            ("sha256".into(), text(&sha256(&data))),
        ]))
    }

    fn init(&mut self, request: &Fields) -> Result<Fields, Failure> {
        let path = field(request, "data");
        let data = fs::read_to_string(path).map_err(|error| Failure("data", format!("{path}: {error}")))?;
        (self.learned, self.held_out) = (vec![], vec![]);
        for (at, line) in data.lines().enumerate() {
            let values: Vec<f64> = line
                .split(',')
                .filter_map(|value| value.trim().parse().ok())
                .collect();
            let [x, y, class] = values[..] else {
                return Err(Failure(
                    "data",
                    format!("{path}: line {} is not x,y,class", at + 1),
                ));
            };
            let share = if at % 5 == 4 {
                &mut self.held_out
            } else {
                &mut self.learned
            };
            share.push(([x, y], class));
        }
        if self.held_out.is_empty() {
            return Err(Failure(
                "data",
                format!("{path}: at least five lines of x,y,class are needed"),
            ));
        }
        self.folder = PathBuf::from(field(request, "folder"));
        if let Some(Map(training)) = request.get("training") {
            self.rate = amount(training, "learningRate");
        }
        Ok(Fields::from([("backend".into(), text("Rust, one thread"))]))
    }

    fn train(&mut self, id: u64, request: &Fields) -> Result<Fields, Failure> {
        let mut w = self.load(field(request, "in"))?;
        let (steps, stream, mut total) = (amount(request, "steps") as u64, field(request, "streamKey"), 0.0);
        for step in 0..steps {
            let mut gradient = [0.0; PARAMETERS];
            for index in 0..BATCH {
                let point = &self.learned[draw(stream, step, index, self.learned.len())];
                total += loss_of(&w, point);
                let miss = probability(&w, point) - point.1;
                for (sum, value) in gradient.iter_mut().zip([point.0[0], point.0[1], 1.0]) {
                    *sum += miss * value / BATCH as f64;
                }
            }
            w.iter_mut()
                .zip(gradient)
                .for_each(|(weight, change)| *weight -= self.rate * change);
            if !w.iter().all(|weight| weight.is_finite()) {
                return Err(Failure("diverged", format!("not a number at step {step}")));
            }
            self.say(id, "progress", Fields::from([("steps".into(), Int(step + 1))]));
            if self.cancelled.lock().unwrap().contains(&id) {
                return Err(Failure("cancelled", "cancelled".into()));
            }
        }
        let mut answer = self.store(field(request, "out"), &w)?;
        answer.insert("loss".into(), number(total / (steps * BATCH) as f64));
        answer.insert("samples".into(), Int(steps * BATCH));
        Ok(answer)
    }

    fn evaluate(&self, w: Weights) -> Fields {
        let points = &self.held_out;
        let right = points
            .iter()
            .filter(|point| (probability(&w, point) > 0.5) == (point.1 == 1.0))
            .count();
        Fields::from([
            ("loss".into(), number(mean_loss(&w, points))),
            ("accuracy".into(), number(right as f64 / points.len() as f64)),
            ("examples".into(), Int(points.len() as u64)),
        ])
    }

    fn answer(&mut self, id: u64, request: &Fields) -> Result<Fields, Failure> {
        match field(request, "op") {
            "describe" => {
                let shape = List(vec![Int(PARAMETERS as u64)]);
                let weights = [
                    ("name".into(), text("weights")),
                    ("shape".into(), shape),
                    ("offset".into(), Int(0)),
                ];
                Ok(Fields::from([
                    ("name".into(), text("rust-points")),
                    ("version".into(), text("1")),
                    ("parameters".into(), Int(PARAMETERS as u64)),
                    ("layout".into(), List(vec![Map(Fields::from(weights))])),
                    (
                        "capabilities".into(),
                        List(vec![text("deterministic"), text("score")]),
                    ),
                ]))
            }
            "init" => self.init(request),
            "initial" => self.store(field(request, "out"), &[0.0; PARAMETERS]),
            "train" => self.train(id, request),
            "evaluate" => Ok(self.evaluate(self.load(field(request, "in"))?)),
            "score" => {
                let Some(List(names)) = request.get("ins") else {
                    return Ok(Fields::new());
                };
                let mut losses = vec![];
                for name in names {
                    let Text(name) = name else { continue };
                    losses.push(number(mean_loss(&self.load(name)?, &self.learned)));
                }
                Ok(Fields::from([("losses".into(), List(losses))]))
            }
            op => Err(Failure(
                "unsupported",
                format!("{op} is not among what this trainer can do"),
            )),
        }
    }
}

/// In a thread of its own, so that a training hears that it is cancelled. The end of the node is our end.
fn read(cancelled: Arc<Mutex<Vec<u64>>>) -> Receiver<Fields> {
    let (sender, requests) = channel();
    thread::spawn(move || {
        let mut source = unsafe { File::from_raw_fd(3) };
        let mut size = [0; 4];
        while source.read_exact(&mut size).is_ok() && u32::from_be_bytes(size) as usize <= FRAME_MAX {
            let mut body = vec![0; u32::from_be_bytes(size) as usize];
            if source.read_exact(&mut body).is_err() {
                break;
            }
            let Map(request) = decode(&mut &body[..]) else {
                break;
            };
            match field(&request, "op") {
                "shutdown" => break,
                "cancel" => cancelled.lock().unwrap().push(amount(&request, "target") as u64),
                _ => sender.send(request).unwrap(),
            }
        }
        exit(0);
    });
    requests
}

fn main() {
    let cancelled = Arc::new(Mutex::new(vec![]));
    let requests = read(cancelled.clone());
    let answers = unsafe { File::from_raw_fd(4) };
    let folder = PathBuf::new();
    let mut trainer = Trainer {
        answers,
        cancelled,
        folder,
        rate: 0.0,
        learned: vec![],
        held_out: vec![],
    };
    for request in requests {
        let id = amount(&request, "id") as u64;
        match trainer.answer(id, &request) {
            Ok(fields) => trainer.say(id, field(&request, "op"), fields),
            Err(Failure(code, message)) => {
                let told = [("code".into(), text(code)), ("message".into(), text(&message))];
                trainer.say(id, "error", Fields::from(told));
            }
        }
    }
}
