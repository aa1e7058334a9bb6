//! Events of the `cloudevents-sdk` crate, for programs that have them already.
//!
//! Going there is never refused, and loses what that crate cannot hold: `time` becomes UTC with nanoseconds, JSON is
//! parsed and written anew. Coming back is checked like any other event.

use cloudevents::event::{
    AttributesReader, AttributesWriter, EventBuilderV10, ExtensionValue, TryIntoTime, TryIntoUrl,
};
use cloudevents::{Data as SdkData, Event as SdkEvent, EventBuilder};
use serde_json::value::RawValue;

use crate::attribute::{self, Invalid, is_json};
use crate::event::{Data, Event, Text, Value};

/// An event of the other crate is not one here.
#[derive(Debug, thiserror::Error)]
pub enum InteropError {
    /// An attribute is missing or wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The event is of an older version of CloudEvents and lacks what 1.0 requires.
    #[error("the event cannot be made one of CloudEvents 1.0")]
    Version(#[source] cloudevents::event::EventBuilderError),
}

/// What the other crate cannot parse as `time` or `dataschema` goes along as an extension of that name.
impl From<Event> for SdkEvent {
    fn from(event: Event) -> Self {
        let mut sdk = Self::default();
        sdk.set_id(&*event.id);
        sdk.set_source(&*event.source);
        sdk.set_type(&*event.kind);
        sdk.set_subject(event.subject.as_deref());
        sdk.set_datacontenttype(event.datacontenttype.as_deref());
        let time = event.time.as_deref().map(TryIntoTime::into_time);
        if let (Some(Err(_)), Some(text)) = (&time, &event.time) {
            sdk.set_extension("time", &**text);
        }
        sdk.set_time(time.and_then(Result::ok));
        let dataschema = event.dataschema.as_deref().map(TryIntoUrl::into_url);
        if let (Some(Err(_)), Some(text)) = (&dataschema, &event.dataschema) {
            sdk.set_extension("dataschema", &**text);
        }
        sdk.set_dataschema(dataschema.and_then(Result::ok));
        for (name, value) in event.extensions {
            let value = match value {
                Value::String(text) => ExtensionValue::String(text),
                Value::Integer(number) => ExtensionValue::Integer(number.into()),
                Value::Boolean(flag) => ExtensionValue::Boolean(flag),
            };
            sdk.set_extension(&name, value);
        }
        if let Some(data) = event.data {
            sdk.set_data_unchecked(into_sdk_data(&data));
        }
        sdk
    }
}

/// JSON that the other crate cannot hold, such as a number beyond a float, stays bytes.
fn into_sdk_data(data: &Data) -> SdkData {
    let bytes = data.bytes();
    let exact = match data {
        Data::Json(_) => serde_json::from_slice(bytes).ok().map(SdkData::Json),
        Data::Text(_) => std::str::from_utf8(bytes).ok().map(|text| SdkData::String(text.to_owned())),
        Data::Binary(_) => None,
    };
    exact.unwrap_or_else(|| SdkData::Binary(bytes.to_vec()))
}

impl TryFrom<SdkEvent> for Event {
    type Error = InteropError;

    fn try_from(sdk: SdkEvent) -> Result<Self, InteropError> {
        let sdk = EventBuilderV10::from(sdk).build().map_err(InteropError::Version)?;
        let mut event = Self::new(sdk.id(), sdk.source().as_str(), sdk.ty());
        event.subject = sdk.subject().map(Text::from);
        event.datacontenttype = sdk.datacontenttype().map(Text::from);
        event.dataschema = sdk.dataschema().map(|uri| uri.to_string().into());
        event.time = sdk.time().map(|time| time.to_rfc3339().replace("+00:00", "Z").into());
        for (name, value) in sdk.iter_extensions() {
            match (name, value) {
                ("time", ExtensionValue::String(text)) => event.time = Some(text.as_str().into()),
                ("dataschema", ExtensionValue::String(text)) => event.dataschema = Some(text.as_str().into()),
                _ => event.extensions.push((name.to_owned(), from_sdk_value(name, value)?)),
            }
        }
        // The other crate keeps extensions in no order.
        event.extensions.sort_by(|left, right| left.0.cmp(&right.0));
        attribute::check(&event)?;
        event.data = sdk.data().map(|data| from_sdk_data(data, event.datacontenttype.as_deref()));
        Ok(event)
    }
}

fn from_sdk_value(name: &str, value: &ExtensionValue) -> Result<Value, Invalid> {
    Ok(match value {
        ExtensionValue::String(text) => Value::String(text.clone()),
        ExtensionValue::Boolean(flag) => Value::Boolean(*flag),
        ExtensionValue::Integer(number) => Value::Integer(
            i32::try_from(*number)
                .map_err(|_| Invalid::Integer { field: name.to_owned(), value: number.to_string() })?,
        ),
    })
}

/// The other crate decodes JSON in binary mode as bytes, and lets a program set JSON as a string.
fn from_sdk_data(data: &SdkData, media_type: Option<&str>) -> Data {
    let says_json = media_type.is_some() && is_json(media_type);
    let is_valid = |bytes: &[u8]| says_json && serde_json::from_slice::<&RawValue>(bytes).is_ok();
    match data {
        SdkData::Json(value) => Data::Json(value.to_string().into()),
        SdkData::String(text) if is_valid(text.as_bytes()) => Data::Json(text.clone().into()),
        SdkData::String(text) => Data::Text(text.clone().into()),
        SdkData::Binary(bytes) if is_valid(bytes) => Data::Json(bytes.clone().into()),
        SdkData::Binary(bytes) => Data::Binary(bytes.clone().into()),
    }
}
