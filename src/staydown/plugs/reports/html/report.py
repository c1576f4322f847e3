from staydown.plugs.reports.json.report import REPORT
