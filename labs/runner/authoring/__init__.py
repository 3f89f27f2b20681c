"""What a lab's author needs: marked regions, wrong programs, and the proof that a lab is honest."""
