"""The first schema: schools and feeds, marks, incidents, outbox, notifications."""

import sqlalchemy as sa
from alembic import op

from mis_bridge.store.columns import Instant

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('at', Instant(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('incident', sa.Text(), nullable=False),
    sa.Column('act', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('prev', sa.Text(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'number', name=op.f('pk_audit')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_audit_school_incident'), 'audit', ['school', 'incident'], unique=False)
    op.create_table('audit_head',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('hash', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', name=op.f('pk_audit_head')),
    sqlite_with_rowid=False
    )
    op.create_table('channel_state',
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('paused_until', Instant(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('last_at', Instant(), nullable=True),
    sa.Column('last_result', sa.Text(), nullable=False),
    sa.Column('last_detail', sa.Text(), nullable=False),
    sa.Column('config_alarm', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('channel', name=op.f('pk_channel_state')),
    sqlite_with_rowid=False
    )
    op.create_table('day_event',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('at', Instant(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'day', 'pupil', 'at', 'kind', name=op.f('pk_day_event')),
    sqlite_with_rowid=False
    )
    op.create_table('day_plan',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('slots', sa.Text(), nullable=False),
    sa.Column('registers', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'day', name=op.f('pk_day_plan')),
    sqlite_with_rowid=False
    )
    op.create_table('day_sheet',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('entries', sa.LargeBinary(), nullable=False),
    sa.Column('saved', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'day', 'pupil', name=op.f('pk_day_sheet')),
    sqlite_with_rowid=False
    )
    op.create_table('dirty',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('revision', sa.BigInteger(), nullable=False),
    sa.Column('due_at', Instant(), nullable=True),
    sa.Column('failing_since', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('school', 'scope', 'day', name=op.f('pk_dirty')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_dirty_due_at'), 'dirty', ['due_at'], unique=False)
    op.create_table('incidents',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('family', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('trigger', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('slot', sa.Text(), nullable=False),
    sa.Column('opened_at', Instant(), nullable=False),
    sa.Column('updated_at', Instant(), nullable=False),
    sa.Column('closed_at', Instant(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('ack_expires_at', Instant(), nullable=True),
    sa.Column('escalate_at', Instant(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'id', name=op.f('pk_incidents')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_incidents_reference'), 'incidents', ['reference'], unique=False)
    op.create_index(op.f('ix_incidents_school_day'), 'incidents', ['school', 'day'], unique=False)
    op.create_index(op.f('ix_incidents_state_school'), 'incidents', ['state', 'school'], unique=False)
    op.create_table('mark_change',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('slot', sa.Text(), nullable=False),
    sa.Column('old', sa.SmallInteger(), nullable=False),
    sa.Column('new', sa.SmallInteger(), nullable=False),
    sa.Column('recorded', Instant(), nullable=True),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'number', name=op.f('pk_mark_change')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_mark_change_school_day'), 'mark_change', ['school', 'day'], unique=False)
    op.create_table('meta',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_meta')),
    sqlite_with_rowid=False
    )
    op.create_table('notifications',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('incident', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('data', sa.Text(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('expires_at', Instant(), nullable=True),
    sa.Column('decided_at', Instant(), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('sent_at', Instant(), nullable=True),
    sa.Column('proof', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'id', name=op.f('pk_notifications')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_notifications_state'), 'notifications', ['state'], unique=False)
    op.create_table('outbox',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('incident', sa.Text(), nullable=False),
    sa.Column('notification', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False),
    sa.Column('severity', sa.Text(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('created_at', Instant(), nullable=False),
    sa.Column('due_at', Instant(), nullable=True),
    sa.Column('deadline_at', Instant(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('lease_until', Instant(), nullable=True),
    sa.Column('finished_at', Instant(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('proof', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'id', name=op.f('pk_outbox')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_outbox_deadline_at'), 'outbox', ['deadline_at'], unique=False)
    op.create_index(op.f('ix_outbox_due_at'), 'outbox', ['due_at'], unique=False)
    op.create_index(op.f('ix_outbox_school_incident'), 'outbox', ['school', 'incident'], unique=False)
    op.create_table('page_digest',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('page', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'page', name=op.f('pk_page_digest')),
    sqlite_with_rowid=False
    )
    op.create_table('pupils',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('upn', sa.Text(), nullable=False),
    sa.Column('surname', sa.Text(), nullable=False),
    sa.Column('forename', sa.Text(), nullable=False),
    sa.Column('dob', sa.Date(), nullable=True),
    sa.Column('sex', sa.Text(), nullable=False),
    sa.Column('year_group', sa.SmallInteger(), nullable=True),
    sa.Column('form', sa.Text(), nullable=False),
    sa.Column('admission', sa.Date(), nullable=True),
    sa.Column('leaving', sa.Date(), nullable=True),
    sa.Column('destination', sa.Text(), nullable=False),
    sa.Column('flags', sa.Text(), nullable=False),
    sa.Column('care_began', sa.Date(), nullable=True),
    sa.Column('gone_at', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('school', 'pupil', name=op.f('pk_pupils')),
    sqlite_with_rowid=False
    )
    op.create_table('quarantine',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.Column('read_from', sa.Date(), nullable=True),
    sa.Column('resolved_at', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('school', 'id', name=op.f('pk_quarantine')),
    sqlite_with_rowid=False
    )
    op.create_table('register_seen',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('slot', sa.Text(), nullable=False),
    sa.Column('register', sa.Text(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.Column('taken_at', Instant(), nullable=True),
    sa.PrimaryKeyConstraint('school', 'day', 'slot', 'register', name=op.f('pk_register_seen')),
    sqlite_with_rowid=False
    )
    op.create_table('schools',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('adapter', sa.Text(), nullable=False),
    sa.Column('watched', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('school', name=op.f('pk_schools')),
    sqlite_with_rowid=False
    )
    op.create_table('strips',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('year', sa.SmallInteger(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('marks', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'year', 'pupil', name=op.f('pk_strips')),
    sqlite_with_rowid=False
    )
    op.create_table('suppressed',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('incident', sa.Text(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('seen_at', Instant(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'incident', 'revision', 'reason', name=op.f('pk_suppressed')),
    sqlite_with_rowid=False
    )
    op.create_table('sweep_seen',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('pupil', sa.Text(), nullable=False),
    sa.Column('seen', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('school', 'stream', 'day', 'pupil', name=op.f('pk_sweep_seen')),
    sqlite_with_rowid=False
    )
    op.create_table('attempts',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('outbox', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('started_at', Instant(), nullable=False),
    sa.Column('finished_at', Instant(), nullable=True),
    sa.Column('result', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('proof', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['school', 'outbox'], ['outbox.school', 'outbox.id'], name=op.f('fk_attempts_outbox'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('school', 'outbox', 'number', name=op.f('pk_attempts')),
    sqlite_with_rowid=False
    )
    op.create_table('feeds',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('state_since', Instant(), nullable=False),
    sa.Column('due_at', Instant(), nullable=False),
    sa.Column('sweep_at', Instant(), nullable=True),
    sa.Column('last_good_at', Instant(), nullable=True),
    sa.Column('last_attempt_at', Instant(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('advice', sa.Text(), nullable=False),
    sa.Column('resume', sa.Text(), nullable=False),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('lease_until', Instant(), nullable=True),
    sa.ForeignKeyConstraint(['school'], ['schools.school'], name=op.f('fk_feeds_schools')),
    sa.PrimaryKeyConstraint('school', name=op.f('pk_feeds')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_feeds_due_at'), 'feeds', ['due_at'], unique=False)
    op.create_table('notification_files',
    sa.Column('school', sa.Text(), nullable=False),
    sa.Column('notification', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['school', 'notification'], ['notifications.school', 'notifications.id'], name=op.f('fk_notification_files_notifications'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('school', 'notification', 'name', name=op.f('pk_notification_files'))
    )
