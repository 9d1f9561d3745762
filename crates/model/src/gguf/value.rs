//! Metadata values.

use super::cursor::Cursor;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number of any width.
    Int(i128),
    /// A real number of either width.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of whole numbers.
    Ints(Vec<i64>),
    /// A list of real numbers.
    Floats(Vec<f64>),
    /// A list of truths.
    Bools(Vec<bool>),
    /// A list of texts.
    Texts(Vec<String>),
}

/// The codes of scalar types; 8 is a string and 9 a list.
#[derive(Clone, Copy)]
enum Scalar {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    U64,
    I64,
    F64,
}

impl Scalar {
    fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    fn read(self, cursor: &mut Cursor<'_>) -> Result<Value, String> {
        Ok(match self {
            Self::U8 => Value::Int(u8::from_le_bytes(cursor.array()?).into()),
            Self::I8 => Value::Int(i8::from_le_bytes(cursor.array()?).into()),
            Self::U16 => Value::Int(u16::from_le_bytes(cursor.array()?).into()),
            Self::I16 => Value::Int(i16::from_le_bytes(cursor.array()?).into()),
            Self::U32 => Value::Int(u32::from_le_bytes(cursor.array()?).into()),
            Self::I32 => Value::Int(i32::from_le_bytes(cursor.array()?).into()),
            Self::U64 => Value::Int(u64::from_le_bytes(cursor.array()?).into()),
            Self::I64 => Value::Int(i64::from_le_bytes(cursor.array()?).into()),
            Self::F32 => Value::Float(f32::from_le_bytes(cursor.array()?).into()),
            Self::F64 => Value::Float(f64::from_le_bytes(cursor.array()?)),
            Self::Bool => match cursor.array()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => return Err(format!("{other} is neither true nor false")),
            },
        })
    }
}

const STRING: u32 = 8;
const LIST: u32 = 9;

impl Value {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        match cursor.u32()? {
            STRING => Ok(Self::Text(cursor.string("string")?)),
            LIST => Self::read_list(cursor),
            code => match Scalar::from_code(code) {
                Some(scalar) => scalar.read(cursor),
                None => Err(format!("has the unknown type {code}")),
            },
        }
    }

    fn read_list(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        let code = cursor.u32()?;
        if code == STRING {
            let count = cursor.count(8, "strings")?;
            return (0..count).map(|_| cursor.string("string")).collect::<Result<_, _>>().map(Self::Texts);
        }
        let Some(scalar) = Scalar::from_code(code) else {
            return Err(format!("is a list of the unsupported type {code}"));
        };
        let count = cursor.count(scalar.size(), "list elements")?;
        let mut list = match scalar {
            Scalar::Bool => Self::Bools(Vec::with_capacity(count)),
            Scalar::F32 | Scalar::F64 => Self::Floats(Vec::with_capacity(count)),
            _ => Self::Ints(Vec::with_capacity(count)),
        };
        for _ in 0..count {
            match (&mut list, scalar.read(cursor)?) {
                (Self::Bools(list), Self::Bool(value)) => list.push(value),
                (Self::Floats(list), Self::Float(value)) => list.push(value),
                (Self::Ints(list), Self::Int(value)) => {
                    list.push(i64::try_from(value).map_err(|_| format!("{value} is too large"))?);
                }
                _ => return Err("is a mixed list".into()),
            }
        }
        Ok(list)
    }

    /// The whole number, if it is one and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The list of texts.
    pub fn as_texts(&self) -> Option<&[String]> {
        match self {
            Self::Texts(texts) => Some(texts),
            _ => None,
        }
    }
}

impl Value {
    /// Appends type and value. Numbers take the types that llama.cpp looks for: u32 (i32 in lists) and single precision.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let list = |out: &mut Vec<u8>, code: u32, count: usize| {
            out.extend(LIST.to_le_bytes());
            out.extend(code.to_le_bytes());
            out.extend((count as u64).to_le_bytes());
        };
        match self {
            Self::Int(value) => {
                if let Ok(value) = u32::try_from(*value) {
                    out.extend(4u32.to_le_bytes());
                    out.extend(value.to_le_bytes());
                } else {
                    out.extend(11u32.to_le_bytes());
                    out.extend((*value as i64).to_le_bytes());
                }
            }
            Self::Float(value) => {
                out.extend(6u32.to_le_bytes());
                out.extend((*value as f32).to_le_bytes());
            }
            Self::Bool(value) => {
                out.extend(7u32.to_le_bytes());
                out.push(u8::from(*value));
            }
            Self::Text(text) => {
                out.extend(STRING.to_le_bytes());
                put_text(out, text);
            }
            Self::Ints(values) => {
                list(out, 5, values.len());
                out.extend(values.iter().flat_map(|value| (*value as i32).to_le_bytes()));
            }
            Self::Floats(values) => {
                list(out, 6, values.len());
                out.extend(values.iter().flat_map(|value| (*value as f32).to_le_bytes()));
            }
            Self::Bools(values) => {
                list(out, 7, values.len());
                out.extend(values.iter().map(|value| u8::from(*value)));
            }
            Self::Texts(texts) => {
                list(out, STRING, texts.len());
                for text in texts {
                    put_text(out, text);
                }
            }
        }
    }
}

/// Appends a text with its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
