"""Runs the selected cases and collects their outcomes."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .case import FAILED, UNIMPLEMENTED, Case
from .hixie import H75, H76
from .http import ResponseHead
from .hybi import V7, V8, V13
from .peer import Ended, TimedOut
from .trial import NO_CONNECTION, Missed, Trial


class Unreachable(Exception):
    """There is no server at the URL."""


DRAFTS = {draft.generation: draft for draft in (H75, H76, V7, V8, V13)}


@dataclass
class Outcome:
    case: Case
    result: str
    remarks: list = field(default_factory=list)
    milliseconds: int = 0
    transcript: list = field(default_factory=list)


def probe(options):
    """Whether each generation is spoken: a word about why not, or None if it is.

    Only a refusal counts as not spoken. A server that answers wrongly, or not at all, speaks it
    badly, and the cases will say how.
    """
    return {name: refusal_of(draft, options) for name, draft in DRAFTS.items()}


def refusal_of(draft, options):
    found = []

    def check(trial):
        peer = trial.connect()
        peer.send(draft.request(trial).bytes)
        try:
            head = ResponseHead(peer.until(b"\r\n\r\n", "response", limit=65536))
        except Ended:
            found.append("closed without an answer")
            return
        if head.status is not None and head.status != 101:
            found.append(head.status_line)

    case = Case("PROBE", "", "", draft.generation, "", "", "must", check)
    _, remarks = Trial(case, options).run()
    if remarks and remarks[0].startswith(NO_CONNECTION):
        raise Unreachable(remarks[0])
    return found[0] if found else None


def run_case(case, options, refusals, required):
    refusal = refusals.get(case.generation)
    if refusal is not None:
        result = FAILED if case.generation in required else UNIMPLEMENTED
        return Outcome(case, result, [f"the generation is refused: {refusal}"])
    trial = Trial(case, options)
    try:
        result, remarks = trial.run()
    except (Missed, TimedOut, Ended) as problem:
        result, remarks = FAILED, [str(problem)]
    except Exception as error:  # A bad server must not stop the run.
        result, remarks = FAILED, [f"the case stumbled: {type(error).__name__}: {error}"]
    elapsed = int((time.monotonic() - trial.started) * 1000)
    return Outcome(case, result, remarks, elapsed, trial.entries)


def run_all(cases, options, parallelism, required=(), progress=lambda outcome: None):
    """(refusals by generation, outcomes in the order of the cases)."""
    refusals = probe(options)
    together = [case for case in cases if not case.runs_alone]
    outcomes = []
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        futures = [pool.submit(run_case, case, options, refusals, required) for case in together]
        for future in futures:
            outcomes.append(future.result())
            progress(outcomes[-1])
    for case in cases:
        if case.runs_alone:
            outcomes.append(run_case(case, options, refusals, required))
            progress(outcomes[-1])
            settle(case, options, refusals)
    place = {case.id: index for index, case in enumerate(cases)}
    return refusals, sorted(outcomes, key=lambda outcome: place[outcome.case.id])


def settle(case, options, refusals):
    """Waits until a server that an attack has worn out answers again, half a minute at most."""
    draft = DRAFTS.get(case.generation)
    if draft is None or refusals.get(case.generation) is not None:
        return
    for _ in range(30):
        trial = Trial(case, options)
        try:
            draft.check_alive(trial)
            return
        except Missed as problem:
            if str(problem).startswith(NO_CONNECTION):
                return
            time.sleep(1)
        except (TimedOut, Ended):
            time.sleep(1)
        finally:
            for peer in trial.peers:
                peer.close()
