"""How well missing children are noticed: invented schools, weeks of noise, and the truth beside it.

Nothing here looks at what the triggers do. A day is lived first (where every pupil is, minute by
minute, and what somebody in the school knows); registers are written from it by people who err;
what the daemon's own judgement makes of the registers is then compared with the day as it was.
"""
