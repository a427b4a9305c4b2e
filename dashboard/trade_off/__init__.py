"""Budgets against work: what other working points would do, proposals and approvals."""
