"""The daemon: what is configured, what is stored, and the clock, brought together.

Everything that is kept goes through one of three transactions, and a crash falls between two::

    1  ingest.store_batch              what a MIS gave, and the place to go on from
    2  decide.decide                   what is true, and who has to be told
    3  deliver.claim, deliver.record   a message before it is sent, and what became of it

Between them stands the network: ``reading`` asks a MIS and calls 1 for each batch, ``sending``
calls the two halves of 3 around each message; 2 needs none. Beside them are short ones that move
nothing but the work itself (who reads or sends what, until when, and when again; what has had its
time) and those of people, in ``people``.

In the order in which to read them:

===========  =====================================================================================
app          until it is asked to stop; another in its place when it is asked to reload
config_lines the history says that other settings are in force
assembly     its parts, from the configuration; schools: one school as it is configured; sources:
             its MIS, opened
authorities  whose rules each goes by
calendars    on which days each is open; open_after_all: where the registers say otherwise
daemon       one tick: look at the clock, begin to read, decide, begin to send, say that all is well
ticker       calls the ticks; watch: what the clock did between two of them
sync         which feeds are read now; schedule: when; reading: one of them, from end to end
ingest       transaction 1; storing: what of a batch goes where
decide       transaction 2; judge: what is true of a day, a feed, a year; judge_roll: of the roll;
             settling, untaken, absence_only and pupil_years: what a mark and a blank are worth
ways         how each duty and each person is reached: channels, in order, with their delays;
             preview: who would be told of an alert that there is not yet
reach        whom a broken channel leaves unreached
routing      from "this audience has to be told" to a channel; turns: when, and with which others;
             lookups: what all messages of a decision have in common
packages     for the authority; package_facts: what is known for a form
deliver      transaction 3; sending: channel by channel; writing: the words; bundles: of several;
             identities: who a pupil is; background: what they have to know of their incidents;
             reminding: whether a reminder is worth sending yet; sent_lines: the history's lines
             about messages; installation_lines: those about no school; sharing: limits that
             several channels have together
showing      cards that a bot has posted are changed when their incident moves on
daily        each school day a message of what was watched, and what was not
weekly       every Monday a card that shows that a Teams channel works
auditor      beside the ticks: is it all done? self_check: by what it is judged; history_walk: is
             the history as it was written? health: the supervisor, the outside monitor, the line
             of status; word_to_it: past the outbox
metrics      numbers for Prometheus, where it asks for them
doctor       looks at all of it from outside the daemon, for a person; check: at the configuration,
             and what it leads to
silencing    a person has people told later of something; accepting: a known break of the history
people       acknowledge, note, tick a step, close; approving: approve or reject a package, say that
             it was brought by hand; pupil_files: notes on a pupil, what is stored of one given out;
             erasing: what is stored of one is erased, pupil_lists: of one among many
marks_behind the marks that an incident rests on, for a person who checks it; incident_record: all
             that is stored of it, for the child's file
requests     a person asks for a package; answers: what a person adds to it; kept_answers: what of
             that goes on into the next version
===========  =====================================================================================
"""
