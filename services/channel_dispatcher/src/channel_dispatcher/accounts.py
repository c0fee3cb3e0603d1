"""Opens the accounts that the settings name: Twilio, the mail relay, and those of the accounts file."""

from __future__ import annotations

from channel_dispatcher.outlets import Outlet, Outlets, by_channel
from channel_dispatcher.settings import Settings, split_list
from forbear_chassis.clock import Clock
from forbear_providers.smtp import Smtp, SmtpRelay
from forbear_providers.twilio_http import TwilioAccount
from forbear_providers.twilio_sms import TwilioSms
from forbear_providers.twilio_voice import TwilioVoice


def open_outlets(settings: Settings, clock: Clock) -> Outlets:
    """Return the ways out; a channel without provider or sender carries nothing."""
    return by_channel([*_twilio(settings, clock), *_relay(settings, clock), *_of_file(settings, clock)])


def _twilio(settings: Settings, clock: Clock) -> list[Outlet]:
    if not settings.twilio_account_sid:
        return []
    account = TwilioAccount(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        settings.twilio_base_url,
        transport=settings.twilio_transport,
    )
    outlets = []
    if settings.sms_senders:
        outlets.append(
            Outlet(
                TwilioSms(account, clock.now),
                split_list(settings.sms_senders),
                settings.sms_concurrency,
                settings.limit_sms_per_account_s,
                settings.limit_sms_per_sender_s,
                price=settings.sms_price,
            )
        )
    if settings.voice_senders:
        outlets.append(
            Outlet(
                TwilioVoice(account, clock.now),
                split_list(settings.voice_senders),
                settings.voice_concurrency,
                settings.limit_voice_per_s,
                price=settings.voice_price,
            )
        )
    return outlets


def _relay(settings: Settings, clock: Clock) -> list[Outlet]:
    if not settings.smtp_host or not settings.smtp_sender:
        return []
    relay = SmtpRelay(
        settings.smtp_host,
        settings.smtp_port,
        settings.reply_domain,
        username=settings.smtp_username,
        password=settings.smtp_password.get_secret_value(),
        starttls=settings.smtp_starttls,
        connections_max=settings.email_concurrency,
    )
    return [
        Outlet(
            Smtp(relay, clock.now, settings.dkim_key()),
            (settings.smtp_sender,),
            settings.email_concurrency,
            settings.limit_email_per_s,
            price=settings.email_price,
        )
    ]


def _of_file(settings: Settings, clock: Clock) -> list[Outlet]:
    return [
        Outlet(
            account.open(clock.now),
            account.senders,
            account.concurrency,
            account.per_account_s,
            account.per_sender_s,
            name=account.name,
            weight=account.weight,
            price=account.price,
        )
        for account in settings.accounts()
    ]
