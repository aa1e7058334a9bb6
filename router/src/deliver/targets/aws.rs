//! [`Services`]: what the AWS targets share, and what the SDK's errors count as.

use std::collections::HashMap;
use std::error::Error;
use std::ops::Range;
use std::slice;
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::SharedHttpClient;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use futures::future::BoxFuture;

use super::tls::Tls;
use super::{Class, ConnectError, Failure, Outcome};
use crate::config::AwsService;

/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Entries of one request, at most: SQS and EventBridge agree.
pub(super) const ENTRIES_MAX: usize = 10;

/// Bytes of one request's entries, at most, as each service counts them.
pub(super) const BYTES_MAX: usize = 1024 * 1024;

/// One configuration, with its connections and its credentials, for each address and region.
#[derive(Default)]
pub(super) struct Services {
    configs: HashMap<AwsService, SdkConfig>,
}

impl Services {
    /// Returns the configuration for a service, which is read from the environment and its files once.
    ///
    /// Credentials are asked for with the first attempt and kept until they expire. The region is never asked of the
    /// machine's metadata service, since that is a network call.
    pub(super) async fn config(
        &mut self,
        service: &AwsService,
        tls: &mut Tls,
    ) -> Result<SdkConfig, ConnectError> {
        if let Some(config) = self.configs.get(service) {
            return Ok(config.clone());
        }
        let config = load(service, tls).await?;
        self.configs.insert(service.clone(), config.clone());
        Ok(config)
    }
}

async fn load(service: &AwsService, tls: &mut Tls) -> Result<SdkConfig, ConnectError> {
    let region = RegionProviderChain::first_try(service.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    let region = region.region().await.ok_or(ConnectError::Region)?;
    let timeouts =
        TimeoutConfig::builder().operation_timeout(ATTEMPT_TIMEOUT).connect_timeout(ATTEMPT_TIMEOUT).build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http_client(service.endpoint.as_deref(), tls)?)
        .identity_cache(IdentityCache::lazy().build())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    let loader = match &service.endpoint {
        Some(endpoint) => loader.endpoint_url(endpoint),
        None => loader,
    };
    Ok(Box::pin(loader.load()).await)
}

/// Returns a client with TLS, or without it where only plain HTTP is asked for and the system has no certificates: the
/// SDK would panic for want of them.
pub(super) fn http_client(endpoint: Option<&str>, tls: &mut Tls) -> Result<SharedHttpClient, ConnectError> {
    let is_plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    match tls.system() {
        Err(_) if is_plain => Ok(Builder::new().build_http()),
        Err(error) => Err(error),
        Ok(_) => Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()),
    }
}

/// Sends entries, in order, in as few requests as the limits allow; `size` is what an entry's bytes count.
///
/// A batch that is refused for good may be refused for one of its entries: then each is sent alone, so that none is
/// given up for another's fault.
pub(super) async fn send<'a, E: Sync>(
    entries: &'a [E],
    size: impl Fn(&E) -> usize,
    request: impl Fn(&'a [E]) -> BoxFuture<'a, Result<Vec<Outcome>, Failure>>,
) -> Vec<Outcome> {
    let sizes: Vec<usize> = entries.iter().map(size).collect();
    let mut outcomes = Vec::with_capacity(entries.len());
    for together in requests(&sizes) {
        let together = &entries[together];
        match request(together).await {
            Ok(told) => outcomes.extend(told),
            Err(failure) if failure.class == Class::Permanent && together.len() > 1 => {
                for entry in together {
                    let told = request(slice::from_ref(entry)).await;
                    outcomes.extend(told.unwrap_or_else(|failure| vec![Outcome::Failed(failure)]));
                }
            }
            Err(failure) => outcomes.extend(together.iter().map(|_| Outcome::Failed(failure.clone()))),
        }
    }
    outcomes
}

/// Splits entries of these sizes into requests. One that is too large even alone goes alone, for AWS to refuse.
pub(super) fn requests(sizes: &[usize]) -> Vec<Range<usize>> {
    let mut requests: Vec<Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (at, size) in sizes.iter().enumerate() {
        match requests.last_mut() {
            Some(request) if request.len() < ENTRIES_MAX && bytes + size <= BYTES_MAX => {
                request.end = at + 1;
                bytes += size;
            }
            _ => {
                requests.push(at..at + 1);
                bytes = *size;
            }
        }
    }
    requests
}

/// Returns what it counts as that an answer says nothing about an entry.
pub(super) fn unsaid() -> Failure {
    Failure::retryable("the answer does not say what became of the event")
}

/// Returns what an error of the SDK counts as.
pub(super) fn failure<E>(error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(_) => refusal(error.code(), error.message(), status),
        SdkError::TimeoutError(_) => Failure::retryable(format!("no answer within {ATTEMPT_TIMEOUT:?}")),
        SdkError::ConstructionFailure(_) => {
            Failure::new(Class::Permanent, None, &format!("cannot make the request: {}", root_cause(error)))
        }
        SdkError::ResponseError(_) => Failure::new(
            Class::Retryable,
            status,
            &format!("the answer is unreadable: {}", root_cause(error)),
        ),
        _ if lacks_credentials(error) => Failure::retryable(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or a role",
        ),
        _ => Failure::retryable(format!("cannot connect: {}", root_cause(error))),
    }
}

/// Returns what a service's own error counts as.
pub(super) fn refusal(code: Option<&str>, message: Option<&str>, status: Option<u16>) -> Failure {
    let code = code.unwrap_or("an error without a code");
    let colon = if message.is_some() { ": " } else { "" };
    let error = format!("{code}{colon}{}", message.unwrap_or_default());
    Failure::new(Class::of_aws(code, status), status, &error)
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.to_string().contains("credentials"))
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
