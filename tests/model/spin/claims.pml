// The log protocol (ARCHITECTURE.md, "The log protocol") for the model checker Spin: one partition,
// owners that come and go, and a network that does its worst. `check` runs it, README.md says what
// came of it. Instances, claims that land and commands are bounded, and nothing else.
//
// What is asserted at each step:
//   - What is acknowledged lies in the log as a valid record. It stays there: nothing is taken from
//     a log, and whether a record is valid follows from what lies before it.
//   - A command has at most one valid record, whoever repeats it, wherever and how often.
//   - A valid record was decided upon exactly the valid records before it.
//   - A refusal or a repeat, and the state that an answer shows, are true of the log at some moment
//     between the command and its answer.
//
// What is left out or put together, and why that loses nothing:
//   - An owner is an instance from the landing of a claim until it lets go of it, be it by a crash, an
//     unknown outcome or a newer claim. It keeps nothing that its next replay would not find, so
//     the next owner may be the same instance. INSTANCES of them at one time hold that they own.
//   - A pause is that the others go on. A claim that lands late lands for nobody; one that lands twice
//     lands once more for its owner.
//   - What was sent may land at any later time, in any order, again, or never; "never" needs no step.
//   - A record is judged where it lands, as the same rule is every reader's and looks only back: the
//     log keeps a valid one's command, and VOID for any other. A VOID makes a difference to nobody
//     but an owner who takes it for its own record, which needs the whole batch in its order, once
//     no record of it can become valid any more. Any other may land before any valid record; two
//     are stepped over like one. With VOIDS_ANYWHERE it may land everywhere.
//   - What a reader reads, up to its own claim or between its records, lies there and stays as it
//     is, so that reading is one step; so are looking at the end and answering. As all read by the
//     same rule, a replay comes to what the whole log does, and what every owner has read is taken
//     from the log's front: offsets are only compared.
//   - A state is the sequence of the valid commands. What it means, and what it refuses, is the
//     domain's: any command may be refused in any. A refusal beside something that is appended rests
//     on the same state as the batch's records do. Commands differ in nothing, and so are numbered
//     as they are first taken.
//   - Clients repeat without end: any owner may take any command at any time. A repeat within a
//     batch adds nothing to it, and one of a batch under way waits until it is taken.
//
// Not here: reads and ends that are stale, parents, joins, processes, time, and whether anything is
// done in the end. tests/model has most of that.

#ifndef INSTANCES
#define INSTANCES 2  // owners at one time
#endif
#ifndef CLAIMS
#define CLAIMS 4  // that land; at most 6
#endif
#ifndef COMMANDS
#define COMMANDS 2  // at most 3
#endif
// The log's greatest length; Spin would tell of a record beyond it. Two records of each claim may land
// void, and a VOID before each valid one.
#ifdef VOIDS_ANYWHERE
#define LENGTH (6 * CLAIMS + 2 * COMMANDS)
#else
#define LENGTH (3 * CLAIMS + 2 * COMMANDS)
#endif

#if CLAIMS > 6 || COMMANDS > 3 || LENGTH > 30
#error "more than the fields of log.pml hold"
#endif

#include "log.pml"

// What nobody waits for.
active proctype Network() {
end:
  do
  :: atomic { batch[LATE].first_flies && IsValid(LATE, 0) -> LandFirst(LATE); Tidy() }
  :: atomic { batch[LATE].second_flies && IsValid(LATE, 1) -> LandSecond(LATE); Tidy() }
  :: atomic { claims < CLAIMS -> LandClaim(claims + 1); Tidy() }
#ifdef VOIDS_ANYWHERE
  :: atomic { !AfterVoid -> LandVoid(); Tidy() }
#endif
  od
}

// --- an owner, as services/runtime/aggregate/shard.cc

#define me _pid  // the Network is 0

// What was under way may still land.
inline Abandon() {
  batch[LATE].first = batch[me].first; batch[LATE].first_flies = batch[me].first_flies;
  batch[LATE].second = batch[me].second; batch[LATE].second_flies = batch[me].second_flies;
  Copy(me, LATE);
  position[LATE].next = 0
}

inline LetGo() {
  if
  :: mode[me] == appending && OfLatestClaim(me) -> Abandon()
  :: else
  fi;
  Clear(me);
  Forget(me);
  id[me] = 0;
  owners--;
  mode[me] = absent;
  Tidy()
}

// BeginClaim and CatchUp.
inline Claim() {
  printf("owner %d claims\n", me);
  LandClaim(id[me]);
  owners++;
  mode[me] = serving;
  Copy(WHOLE, me);
#ifdef NO_REPLAY
  position[me].state = 0;
#endif
  if
  :: position[me].id != id[me] -> LetGo()
  :: else -> Tidy()
  fi
}

// Whether a batch may take a command, as what was applied does not have it.
#define MayTake(command) \
  (COMMANDS >= command && named + 1 >= command && !Has(position[me].state, command))
#ifdef CONFIRMED_ONLY
#define MayTakeToo(command) MayTake(command)
#else
#define MayTakeToo(command) (MayTake(command) && command != batch[me].first)
#endif
inline Name(command) {
  named = (command > named -> command : named)
}

// TakeBatch and DecideBatch.
inline TakeBatch() {
  if
  :: MayTake(1) -> batch[me].first = 1
  :: MayTake(2) -> batch[me].first = 2
  :: MayTake(3) -> batch[me].first = 3
  fi;
  Name(batch[me].first);
  if
  :: batch[me].second = 0
  :: MayTakeToo(1) -> batch[me].second = 1
  :: MayTakeToo(2) -> batch[me].second = 2
  :: MayTakeToo(3) -> batch[me].second = 3
  fi;
  Name(batch[me].second);
  batch[me].first_flies = 1; batch[me].second_flies = (batch[me].second != 0);
  printf("owner %d appends from record %d of claim %d on: commands %d %d\n", me,
         position[me].number + 1, position[me].id, batch[me].first, batch[me].second);
  mode[me] = appending
}

#define IsOwn(offset) \
  (batch[me].first_landed == (offset) + 1 || batch[me].second_landed == (offset) + 1)

// StepTo: where there is a gap, a newer claim ends the ownership, void records are stepped over.
inline StepTo() {
  d_step {
    end_of_batch = (batch[me].second -> batch[me].second_landed : batch[me].first_landed);
    if
#ifdef ACK_ON_GAP
    :: true
#endif
    :: batch[me].first_landed == position[me].next + 1 &&
       end_of_batch == position[me].next + 1 + (batch[me].second != 0)
    :: else ->
       for (each : position[me].next .. end_of_batch - 1) {
         deposed = deposed || IsClaim(log[each]) || IsCommand(log[each]) != IsOwn(each)
       }
    fi;
    each = 0
  }
}

inline TakeAsOwn() {
  d_step {
    position[me].next = end_of_batch;
    position[me].number = position[me].number + 1 + (batch[me].second != 0);
    position[me].state = Then(position[me].state, batch[me].first);
    if
    :: batch[me].second -> position[me].state = Then(position[me].state, batch[me].second)
    :: else
    fi
  }
}

inline Acknowledge() {
  printf("owner %d acknowledges commands %d %d\n", me, batch[me].first, batch[me].second);
  assert(Has(whole.state, batch[me].first));  // an acknowledged command is lost
  if
  :: batch[me].second -> assert(Has(whole.state, batch[me].second))  // an acknowledged command is lost
  :: else
  fi;
  assert(BeginsWith(whole.state, position[me].state));  // an answer tells a state that never was
  Clear(me);
  mode[me] = serving;
  Tidy()
}

inline Confirm() {
  StepTo();
  if
  :: deposed -> printf("owner %d finds that it is deposed\n", me); LetGo()
  :: else -> TakeAsOwn(); Acknowledge()
  fi;
  deposed = 0; end_of_batch = 0
}

// FollowOwner, which knows its claim by the id: once more landed it is its own still.
inline Follow() {
  ReadToEnd(me);
  if
#ifndef FOREIGN_CLAIM
  :: position[me].id != id[me] -> printf("owner %d reads a newer claim\n", me); LetGo()
#endif
  :: else -> printf("owner %d reads to the end\n", me); Tidy()
  fi
}

active [CLAIMS] proctype Owner() {
end:
  do
#ifdef WRITER_NUMBERS
  :: atomic {
       mode[me] == absent && !id[me] ->
       id[me] = whole.id + 1;
       printf("owner %d chooses number %d\n", me, id[me])
     }
  :: atomic { mode[me] == absent && id[me] && claims + 1 == me && owners < INSTANCES -> Claim() }
#else
  :: atomic {
       mode[me] == absent && claims + 1 == me && owners < INSTANCES ->
       id[me] = me;
       Claim()
     }
#endif
  :: atomic { mode[me] != absent && claims < CLAIMS -> LandClaim(id[me]); Tidy() }
  :: atomic { mode[me] != absent -> printf("owner %d lets go\n", me); LetGo() }
  :: atomic { mode[me] == serving && position[me].next < whole.next -> Follow() }

  // The log was seen to end where it was applied to.
#ifdef NO_END
  :: atomic {
       mode[me] == serving ->
#else
  :: atomic {
       mode[me] == serving && position[me].next == whole.next ->
#endif
       printf("owner %d refuses, or answers a repeat\n", me);
       assert(position[me].state == whole.state)  // a refusal or a repeat is not true of the log
     }

  :: atomic { mode[me] == serving && (MayTake(1) || MayTake(2) || MayTake(3)) -> TakeBatch() }
  :: atomic {
       batch[me].first_flies &&
           (IsValid(me, 0) || !batch[me].first_landed && !MayBecomeValid(me, 0)) ->
       LandFirst(me);
       batch[me].first_landed = whole.next
     }
  :: atomic {
       batch[me].second_flies &&
           (IsValid(me, 1) || !batch[me].second_landed && batch[me].first_landed &&
                                  !MayBecomeValid(me, 1)) ->
       LandSecond(me);
       batch[me].second_landed = whole.next
     }
  // The log refused it for certain: the same epoch goes on.
  :: atomic {
       mode[me] == appending && !batch[me].first_landed && !batch[me].second_landed ->
       printf("owner %d is told that nothing was written\n", me);
       Clear(me);
       mode[me] = serving
     }
  // A success is what landed whole and in order.
  :: atomic {
       mode[me] == appending && batch[me].first_landed &&
           (!batch[me].second || batch[me].second_landed > batch[me].first_landed) ->
       Confirm()
     }

#ifdef ANSWER_IN_FLIGHT
  // What is under way may never land.
  :: atomic {
       mode[me] == appending ->
       printf("owner %d answers a repeat of command %d\n", me, batch[me].first);
       assert(Has(whole.state, batch[me].first))  // an acknowledged command is lost
     }
#endif
#ifdef SKIP_FAILED
  :: atomic {
       batch[me].second_flies && !batch[me].first_landed ->
       LandSecond(me);
       printf("owner %d fails command %d and acknowledges %d\n", me, batch[me].first,
              batch[me].second);
       assert(Has(whole.state, batch[me].second))  // an acknowledged command is lost
     }
#endif
#ifdef REUSE_EPOCH
  :: atomic {
       mode[me] == appending ->
       printf("owner %d has no outcome and goes on\n", me);
       Abandon();
       Clear(me);
       mode[me] = serving;
       Follow()
     }
#endif
  od
}
