"""What the synchronous and the asynchronous client share: requests, answers and their verification."""
