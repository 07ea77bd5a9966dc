"""What a lender does with the registry: report, check, watch and screen a portfolio."""
