"""What a payroll program gets of a period: hours by kind, in the form it reads, checked and kept."""
