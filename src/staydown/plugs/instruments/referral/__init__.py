"""The voluntary referral."""
