"""report.html: the rehearsal as one page that needs nothing but a browser.

Every number comes from the report, so that the page and report.json cannot disagree. It must never compute a verdict.
"""

from html import escape
from pathlib import Path
from string import Template
from typing import Any

from local.rehearsal.pace import advice
from local.rehearsal.picture import rollout_picture
from local.rehearsal.report import ActReport, Report, write_whole

_GOOD = ("created", "promoted")


def write_page(path: Path, report: Report) -> None:
    """Write the page whole, or not at all."""
    write_whole(path, page(report))


def page(report: Report) -> str:
    """The report as HTML."""
    template = Template((Path(__file__).parent / "page.html").read_text())
    verdict = "as the story tells" if report.as_told else "not as the story tells: " + "; ".join(report.surprises)
    return template.substitute(
        title=escape(report.title),
        verdict=escape(verdict),
        tone="good" if report.as_told else "bad",
        facts=escape(
            f"{report.wall_seconds:.0f} s on this machine, AWS's clock x {report.speed:g}, seed {report.seed}"
        ),
        acts="\n".join(_act(act) for act in report.acts),
        delays=_delays(report),
        executions="\n".join(_execution(execution) for execution in report.pipeline_executions),
        packages="\n".join(_package(package) for package in report.packages),
    )


def _delays(report: Report) -> str:
    """What the machine was too slow for, where the verdict is read."""
    return f'<p class="bad">{escape(advice(report.delays, report.speed))}</p>' if report.delays else ""


def _act(act: ActReport) -> str:
    tone = "good" if act.outcome == act.expected else "bad"
    glyph = "▲" if act.outcome in _GOOD else "▼" if act.outcome == "rolled_back" else "◆"
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in act.reasons)
    fault = f'<div class="fault">the rehearsal gave it a fault: {escape(act.fault)}</div>' if act.fault else ""
    picture = rollout_picture(act.minutes, act.moments) if act.minutes else ""
    return (
        f"<article><header><h3>{escape(act.name)} <small>→ {escape(act.stage)}</small></h3>"
        f'<b class="{tone}">{glyph} {act.outcome.replace("_", " ")}</b></header>{fault}'
        f"<dl>{_facts(act)}</dl>{picture}<ul>{reasons}</ul></article>"
    )


def _facts(act: ActReport) -> str:
    requests = act.requests
    facts: list[tuple[str, Any]] = [
        ("model package", act.model_package_arn.partition("/")[2]),
        ("strategy", act.strategy.replace("_", " ") or "-"),
        ("rollout", f"{act.rollout_seconds / 60:.1f} AWS minutes"),
    ]
    if act.verdict_seconds is not None:
        facts.append(("first new-fleet request to verdict", f"{act.verdict_seconds / 60:.1f} AWS minutes"))
    if requests.total:
        facts.append(("requests", f"{requests.total:,}, of which {requests.green:,} to the new fleet"))
        facts.append(("failed", f"{requests.failed:,}, of which {requests.failed_green:,} by the new fleet"))
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts)


def _execution(execution: dict[str, Any]) -> str:
    steps = " ".join(_step(step) for step in execution["steps"])
    reason = f'<div class="reason">{escape(execution["reason"])}</div>' if execution["reason"] else ""
    name = execution["arn"].rpartition("/")[2]
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(execution['status'])}</td><td>{steps}{reason}</td></tr>"
    )


def _step(step: dict[str, Any]) -> str:
    tone = {"Succeeded": "good", "Failed": "bad"}.get(step["status"], "")
    spent = "cached" if step["cached"] else f"{step['seconds']:.1f} s"
    return f'<span class="step {tone}">{escape(step["name"])} <small>{spent}</small></span>'


def _package(package: dict[str, Any]) -> str:
    cells = (
        package["version"],
        package["approval_status"],
        package["lifecycle"] or "-",
        f"{package['auc']:.4f}",
        package["arn"].rpartition(":")[2],
    )
    report = f'<td><a href="{escape(package["evaluation_report"])}">evaluation</a></td>'
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + report + "</tr>"
