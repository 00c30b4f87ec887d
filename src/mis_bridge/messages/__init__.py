"""Incident to card, mail and package data, and what each channel may disclose. Pure.

A message is composed once and shown three ways::

    incident, reason, context  ──compose──▶  content  ──▶  card · mail · brief  ──build──▶  message

In the order in which to read them:

================  ================================================================================
model             what a message is, and what it may say of a pupil
content           what a message says, before it is shown in some way
compose           from one incident to its content; headline: heading and first sentences; facts:
                  the rows below them
pupil_label       what a pupil is called; noted: what was noted of one before
wording           what each trigger is called; package_words: what is said of a package;
                  reminding: of what is late; times: how moments are written
bundle            several incidents in one message; anew: a message whose incidents have moved on
daily             what was watched today; weekly: that a channel works; installation: that the
                  daemon does not
card              content for Teams; mail: for mail; brief: for a locked screen
build             all of it together: a message ready to send
package_kinds     which packages there are, for whom; package_model: what one consists of;
                  package_form: it is made by a form; package_sections: what many have in common
form              what a form asks for; form_fields: all that can be asked; national_forms: what is
                  asked where the authority says nothing
package           returns about an absent pupil; absence_period: the absence that they are about;
                  roll_returns: packages about the roll; reports: about a pupil, not for a return;
                  school_reports: about many pupils
record            an incident for the child's file; record_model: what it holds
================  ================================================================================
"""
