"""Models that other toolkits trained, read without those toolkits and turned into ours."""
