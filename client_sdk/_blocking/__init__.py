"""The methods of the blocking client, by topic; none of them holds logic of its own."""
