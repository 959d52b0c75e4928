"""Turns a role into what it may do: the whole table, in one place."""

from enum import StrEnum
from typing import Final


class May(StrEnum):
    """One thing a person may or may not do. Each operation of the API needs exactly one."""

    SEE_QUEUE = "see_queue"  # alerts, their evidence and history, the stream; those about wearers only with SEE_WEARERS
    SEE_OUTAGES = "see_outages"  # in it, alerts about the system itself; everybody else has the banner
    WORK_ALERTS = "work_alerts"  # acknowledge, assign, note, step, close, reopen
    RELEASE_ALERTS = "release_alerts"  # take what somebody owns back into the queue, and let them leave
    SET_ESCALATIONS = "set_escalations"  # who is told when nobody answers
    SEE_CONTACTS = "see_contacts"  # who was called about whom, and what they said
    LOG_CONTACTS = "log_contacts"
    PAUSE_ALERTS = "pause_alerts"  # ask that nobody is paged for a while, end that, see who said so with SEE_WEARERS
    APPROVE_PAUSES = "approve_pauses"  # the second person
    SEE_WEARERS = "see_wearers"  # wearers, orders, activations, groups: personal data
    EDIT_WEARERS = "edit_wearers"  # wearers, orders, groups
    SEE_SETTINGS = "see_settings"  # the numbers that alerts go by
    EDIT_SETTINGS = "edit_settings"  # of an order or a zone
    EDIT_ALL_SETTINGS = "edit_all_settings"  # of an order type and of everyone
    APPROVE_RELAXED = "approve_relaxed"  # a second person for what asks less of a wearer
    FIT_TAGS = "fit_tags"  # activations; signing in and out of visits
    PLAN_VISITS = "plan_visits"
    SEE_ZONES = "see_zones"  # geometry included: a victim's address
    EDIT_ZONES = "edit_zones"
    SEE_FIXES = "see_fixes"  # where people were
    SEE_TAGS = "see_tags"  # hardware; with positions and wearers only where those may be seen as well
    EDIT_TAGS = "edit_tags"  # what a tag is as a thing: model, network
    SEE_FIGURES = "see_figures"  # how soon people answer, how much is noise; no personal data
    SEE_STATUS = "see_status"  # how the system runs
    SEE_DEAD = "see_dead"  # dead letters; their bytes, which are positions, only where fixes may be seen as well
    SETTLE_DEAD = "settle_dead"  # replay, discard
    SEE_CHANNELS = "see_channels"  # who is told outside, and what came of each message; on an alert, whoever sees it
    EDIT_CHANNELS = "edit_channels"
    SEE_BILLING = "see_billing"  # how many people were monitored, and no more of them
    SEE_AUDIT = "see_audit"  # who did and saw what


class Role(StrEnum):
    """What an account is."""

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    FIELD = "field"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    ADMIN = "admin"


_OPERATOR: Final = frozenset(
    {
        May.SEE_QUEUE,
        May.WORK_ALERTS,
        May.SEE_CONTACTS,
        May.LOG_CONTACTS,
        May.PAUSE_ALERTS,
        May.SEE_WEARERS,
        May.SEE_ZONES,
        May.SEE_FIXES,
        May.SEE_TAGS,
        May.SEE_STATUS,
        May.PLAN_VISITS,
        May.SEE_SETTINGS,
    }
)
_OFFICER: Final = _OPERATOR | {
    May.EDIT_WEARERS,
    May.FIT_TAGS,
    May.EDIT_ZONES,
    May.EDIT_SETTINGS,
    May.EDIT_TAGS,
    May.APPROVE_PAUSES,
}

PERMISSIONS: Final[dict[Role, frozenset[May]]] = {
    Role.OPERATOR: _OPERATOR,
    Role.OFFICER: _OFFICER,
    Role.SUPERVISOR: _OFFICER
    | {
        May.SEE_OUTAGES,
        May.SEE_AUDIT,
        May.SEE_DEAD,
        May.SETTLE_DEAD,
        May.SET_ESCALATIONS,
        May.RELEASE_ALERTS,
        May.SEE_FIGURES,
        May.SEE_CHANNELS,
        May.EDIT_ALL_SETTINGS,
        May.APPROVE_RELAXED,
        May.SEE_BILLING,
    },
    # At the door: whom to visit and what they wear. No queue, no zones, no tracks.
    Role.FIELD: frozenset({May.SEE_WEARERS, May.FIT_TAGS, May.PLAN_VISITS, May.SEE_TAGS, May.SEE_STATUS}),
    # No personal data at all: a queue of what concerns no wearer.
    Role.ENGINEER: frozenset(
        {
            May.SEE_QUEUE,
            May.SEE_OUTAGES,
            May.WORK_ALERTS,
            May.SEE_TAGS,
            May.EDIT_TAGS,
            May.SEE_STATUS,
            May.SEE_FIGURES,
            May.SEE_DEAD,
            May.SETTLE_DEAD,
            May.SEE_CHANNELS,
            May.EDIT_CHANNELS,
        },
    ),
    # Everything, and changes nothing.
    Role.AUDITOR: frozenset(may for may in May if may.startswith("see_")),
    Role.ADMIN: frozenset(May),
}


def lacking(role: str, permission: May) -> str:
    """Why a role is refused, and which roles would not be."""
    able = [str(one) for one in Role if permission in PERMISSIONS[one]]
    others = f"{', '.join(able[:-1])} or {able[-1]}" if len(able) > 1 else able[0]
    return f"{role} may not do this ({permission}): it takes {others}"
