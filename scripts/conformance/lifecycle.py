#!/usr/bin/env python3
"""A second client of the Atlas Administration API: whole lives of every resource.

It needs Python 3.11 and nothing else. Every request is made from the official OpenAPI
document, and every answer is checked against it; where the real service is known to
differ, a table says so with the source. It shares nothing with any other client.

    lifecycle.py --base-url http://127.0.0.1:8080 --spec atlas.json --org ID \\
        --client-id ID --client-secret SECRET --public-key KEY --private-key KEY

Exit 0 when all holds, 1 when something does not, 2 when it could not begin.
"""

import argparse
import json
import sys
import time

sys.dont_write_bytecode = True  # this folder is not only Python's

import alerts
import backup
import basics
import dbauth
import federation
import machines
import network
import orgs
import people
import targets
from client import ApiKey, ServiceAccount
from run import Run
from spec import Spec

FAMILIES = (orgs, people, machines, targets, dbauth, network, alerts, federation, backup, basics)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("base-url", "spec", "client-id", "client-secret", "public-key", "private-key", "org"):
        p.add_argument("--" + name, required=True)
    for name in ("partner-org", "partner-id", "partner-secret"):
        p.add_argument("--" + name, help="an org in the same federation, and its owner: without, it is not ended")
    p.add_argument("--allow-unserved", action="store_true", help="operations that are not served are no failure")
    p.add_argument("--only", help="only resources whose name contains this")
    p.add_argument("--patience", type=float, default=10.0, help="seconds for what the service does in its own time")
    p.add_argument("--json", help="where to write the report")
    return p.parse_args()


def main():
    args = arguments()
    account = ServiceAccount(args.base_url, args.client_id, args.client_secret)
    if account.ask_for_token().status != 200:
        sys.exit("lifecycle.py: the token endpoint refuses the service account")
    run = Run(
        Spec(args.spec),
        [account, ApiKey(args.base_url, args.public_key, args.private_key)],
        args.org,
        args.only,
        args.patience,
        args.partner_id and ServiceAccount(args.base_url, args.partner_id, args.partner_secret),
        args.partner_org,
    )
    start = time.monotonic()
    prepare(run)
    if run.group:
        for family in FAMILIES:
            family.lives(run)
    report(run, args, time.monotonic() - start)


def prepare(run):
    """A project and a cluster that the lives happen in."""
    run.cluster = None
    with run.resource("the project of this run"):
        run.group_name = run.unique("second-client-")
        run.group = run.call(
            "createGroup", body=run.make("createGroup", {"name": run.group_name, "orgId": run.org})
        ).body["id"]
    with run.resource("the cluster of this run"):
        run.cluster = targets.new_cluster(run)


def report(run, args, seconds):
    failed = [r for r in run.resources if r.failures or (r.unserved and not args.allow_unserved)]
    width = max(len(r.name) for r in run.resources)
    print(f"{'resource':{width}}  steps  checks  seconds  result")
    for r in run.resources:
        result = f"NOT SERVED: {r.unserved}" if r.unserved else f"{len(r.failures)} FAILURES" if r.failures else "ok"
        print(f"{r.name:{width}}  {r.steps:5}  {r.checks:6}  {r.seconds:7.1f}  {result}")
    for r in run.resources:
        for f in r.failures:
            print(f"FAIL {r.name}: {f}")
    for why, n in sorted(run.checker.used.items()):
        print(f"known difference, {n} times: {why}")
    steps, checks = sum(r.steps for r in run.resources), sum(r.checks for r in run.resources)
    unserved = sum(1 for r in run.resources if r.unserved)
    print(
        f"{len(run.resources)} lives, {len(run.called)} operations, {steps} calls, {checks} checks, {len(failed)} lives with failures, {unserved} not served, {seconds:.1f} s"
    )
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(
                {
                    "resources": [vars(r) for r in run.resources],
                    "operations": run.called,
                    "known_differences": run.checker.used,
                },
                f,
                indent=1,
            )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
