"""Where a school's calendar comes from: its file, its authority, an iCalendar file; holidays."""
