// The log of claims.pml: what lies there, what is valid, what is under way and how it lands.

// A record: 0 where there is none yet.
#define VOID 1
#define CLAIM 64     // its id, and its place among all claims
#define COMMAND 128  // a valid record, and its command
#define ClaimOf(claim_id, place) (CLAIM + 8 * (claim_id) + (place))
#define IsClaim(record) ((record) >= CLAIM && (record) < COMMAND)
#define IsCommand(record) ((record) > COMMAND)

// How far somebody has read, and what that comes to.
typedef Position {
  unsigned next : 5;    // offset
  unsigned id : 3;      // of the latest claim
  unsigned at : 3;      // its offset, told by its place among all claims
  unsigned number : 3;  // of the last valid record under it
  unsigned state : 8;   // the valid commands, two bits each
}

// An append: one record or two, the second decided upon the first, and the first upon a position.
typedef Batch {
  unsigned first : 2;   // command
  unsigned second : 2;  // 0: none
  bit first_flies;      // it may land
  bit second_flies;
  unsigned first_landed : 5;  // the offset after it; 0: has not
  unsigned second_landed : 5;
}

mtype = { absent, serving, appending };

byte log[LENGTH];
byte claims;  // that have landed
byte owners;  // that are not absent
byte named;   // commands that somebody has taken: 1 and up, in this order
// Of each owner, 1 and up; what let go owners left under way; and of who has read the whole log.
#define LATE 0
#define WHOLE (CLAIMS + 1)
Position position[CLAIMS + 2];
Batch batch[CLAIMS + 1];
mtype mode[CLAIMS + 1] = absent;
byte id[CLAIMS + 1];  // of its claim
#define whole position[WHOLE]

// Used within a step, 0 between steps.
byte each, passed, end_of_batch;
bit deposed;

#define Then(state, command) ((state) << 2 | (command))
#define Has(state, command) \
  (((state) & 3) == (command) || ((state) >> 2 & 3) == (command) || \
   ((state) >> 4 & 3) == (command) || ((state) >> 6) == (command))
#define BeginsWith(state, earlier) \
  ((state) == (earlier) || (state) >> 2 == (earlier) || (state) >> 4 == (earlier) || \
   (state) >> 6 == (earlier) || (earlier) == 0)

inline Copy(from, to) {
  position[to].next = position[from].next;
  position[to].id = position[from].id;
  position[to].at = position[from].at;
  position[to].number = position[from].number;
  position[to].state = position[from].state
}

inline Forget(reader) {
  position[reader].next = 0;
  position[reader].id = 0;
  position[reader].at = 0;
  position[reader].number = 0;
  position[reader].state = 0
}

// What a reader makes of the next record.
#define NextOf(reader) log[position[reader].next]
inline Read(reader) {
  if
  :: IsClaim(NextOf(reader)) ->
     position[reader].id = NextOf(reader) >> 3 & 7;
     position[reader].at = NextOf(reader) & 7;
     position[reader].number = 0
  :: IsCommand(NextOf(reader)) ->
     position[reader].number++;
     position[reader].state = Then(position[reader].state, NextOf(reader) - COMMAND)
  :: else
  fi;
  position[reader].next++
}

inline ReadToEnd(reader) {
  do
  :: position[reader].next < whole.next -> Read(reader)
  :: else -> break
  od
}

// --- validity, as services/runtime/log/validity.h: of record `nth`, 0 or 1, of a batch

#if defined(IGNORE_EPOCH)
#define OfLatestClaim(writer) true
#elif defined(WRITER_NUMBERS) || defined(ID_ALONE)
#define OfLatestClaim(writer) (position[writer].id == whole.id)
#else
#define OfLatestClaim(writer) \
  (position[writer].id == whole.id && position[writer].at == whole.at)
#endif
#if defined(NO_NUMBER)
#define IsNext(writer, nth) true
#else
#define IsNext(writer, nth) (position[writer].number + nth == whole.number)
#endif
#if defined(NO_NUMBER) || defined(ID_ALONE)
#define IsAhead(writer, nth) true
#else
#define IsAhead(writer, nth) (position[writer].number + nth >= whole.number)
#endif
#define IsValid(writer, nth) (OfLatestClaim(writer) && IsNext(writer, nth))
#define MayBecomeValid(writer, nth) (OfLatestClaim(writer) && IsAhead(writer, nth))
// Where writers choose the numbers of claims, the greater one counts.
#ifdef WRITER_NUMBERS
#define Counts(claim_id) (claim_id > whole.id)
#else
#define Counts(claim_id) true
#endif

// --- what is under way, and lands

inline Clear(writer) {
  batch[writer].first = 0; batch[writer].first_flies = 0; batch[writer].first_landed = 0;
  batch[writer].second = 0; batch[writer].second_flies = 0; batch[writer].second_landed = 0
}

// Takes what every owner has read from the front of the log: offsets are only compared.
inline Shorten() {
  passed = whole.next;
  for (each : 1 .. CLAIMS) {
    if
    :: mode[each] != absent && position[each].next < passed -> passed = position[each].next
    :: else
    fi
  }
  if
  :: passed ->
     for (each : 0 .. LENGTH - 1) {
       log[each] = (each + passed < LENGTH -> log[each + passed] : 0)
     }
     whole.next = whole.next - passed;
     for (each : 1 .. CLAIMS) {
       position[each].next = position[each].next - (mode[each] != absent -> passed : 0);
       batch[each].first_landed =
           batch[each].first_landed - (batch[each].first_landed -> passed : 0);
       batch[each].second_landed =
           batch[each].second_landed - (batch[each].second_landed -> passed : 0)
     }
  :: else
  fi;
  passed = 0; each = 0
}

// Forgets what can only land as VOID, and what no owner will read.
inline Tidy() {
  d_step {
    batch[LATE].first_flies = batch[LATE].first_flies && MayBecomeValid(LATE, 0);
    batch[LATE].second_flies = batch[LATE].second_flies && MayBecomeValid(LATE, 1);
    if
    :: !batch[LATE].first_flies && !batch[LATE].second_flies -> Clear(LATE); Forget(LATE)
    :: else
    fi;
    Shorten()
  }
}

#define AfterVoid (whole.next > 0 && log[whole.next - 1] == VOID)

inline LandVoid() {
  printf("a void record lands\n");
  NextOf(WHOLE) = VOID;
  Read(WHOLE)
}

inline LandClaim(claim_id) {
  printf("claim %d lands\n", claim_id);
  claims++;
  NextOf(WHOLE) = (Counts(claim_id) -> ClaimOf(claim_id, claims) : VOID);
  Read(WHOLE)
}

inline Land(writer, nth, command, decided_upon) {
  if
  :: IsValid(writer, nth) ->
     if
     :: true
     :: !AfterVoid -> LandVoid()
     fi;
     printf("record %d of claim %d lands: command %d\n", position[writer].number + 1 + nth,
            position[writer].id, command);
     assert(!Has(whole.state, command));   // a command is applied twice
     assert(whole.state == decided_upon);  // a valid record was decided upon a stale state
     NextOf(WHOLE) = COMMAND + command
  :: else ->
     printf("record %d of claim %d lands void: command %d\n", position[writer].number + 1 + nth,
            position[writer].id, command);
     NextOf(WHOLE) = VOID
  fi;
  Read(WHOLE)
}

inline LandFirst(writer) {
  Land(writer, 0, batch[writer].first, position[writer].state);
  batch[writer].first_flies = MayBecomeValid(writer, 0)
}

inline LandSecond(writer) {
  Land(writer, 1, batch[writer].second, Then(position[writer].state, batch[writer].first));
  batch[writer].second_flies = MayBecomeValid(writer, 1)
}
